"""Recording VFS: passes every file operation on to the default one, and writes down those that change a disk.

Made the default, it sees the files of connections that know nothing of it. Shared memory stays with the base VFS: it
does not outlive a power cut.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import apsw
import msgspec

from tests.faults.history import Ack

__all__ = ["Deleted", "Operation", "Recording", "Synced", "Truncated", "Wrote"]


class Wrote(msgspec.Struct, frozen=True, array_like=True, tag="wrote"):
    file: str
    offset: int
    data: bytes


class Truncated(msgspec.Struct, frozen=True, array_like=True, tag="truncated"):
    file: str
    size: int


class Synced(msgspec.Struct, frozen=True, array_like=True, tag="synced"):
    file: str


class Deleted(msgspec.Struct, frozen=True, array_like=True, tag="deleted"):
    file: str
    durable: bool
    """True if the folder was synced with it."""


Operation: TypeAlias = Wrote | Truncated | Synced | Deleted


class Recording:
    """Operations on the files of one database, and what was acknowledged between them."""

    def __init__(self, database: Path) -> None:
        self._name = str(database)
        self._lock = Lock()
        self.said: list[Operation | Ack] = []
        self._vfs = _RecordingVFS(self)

    def wants(self, name: str) -> bool:
        """True for the database, its log and its journal."""
        return name in (self._name, f"{self._name}-wal", f"{self._name}-journal")

    def do(self, operation: Operation, act: Callable[[], None]) -> None:
        """Do it and write it down, as one: another thread's acknowledgement comes before or after."""
        with self._lock:
            act()
            self.said.append(operation)

    def acknowledge(self, ack: Ack) -> None:
        with self._lock:
            self.said.append(ack)

    def save(self, target: Path) -> None:
        target.write_bytes(msgspec.msgpack.encode(self.said))

    @staticmethod
    def load(source: Path) -> list[Operation | Ack]:
        return msgspec.msgpack.decode(source.read_bytes(), type=list[Wrote | Truncated | Synced | Deleted | Ack])


_BASE = apsw.vfs_names()[0]
"""By its name: the empty name would mean the default, which is to be ours."""


class _RecordingVFS(apsw.VFS):
    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        super().__init__("recording", _BASE, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None or not self._recording.wants(path):
            return apsw.VFSFile(_BASE, name, flags)
        return _RecordedFile(self._recording, Path(path).name, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        if not self._recording.wants(filename):
            super().xDelete(filename, syncdir)
            return
        delete = super().xDelete
        self._recording.do(Deleted(Path(filename).name, bool(syncdir)), lambda: delete(filename, syncdir))


class _RecordedFile(apsw.VFSFile):
    def __init__(self, recording: Recording, file: str, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._recording = recording
        self._file = file
        super().__init__(_BASE, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        write = super().xWrite
        self._recording.do(Wrote(self._file, offset, bytes(data)), lambda: write(data, offset))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        truncate = super().xTruncate
        self._recording.do(Truncated(self._file, newsize), lambda: truncate(newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        sync = super().xSync
        self._recording.do(Synced(self._file), lambda: sync(flags))

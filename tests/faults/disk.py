"""Disk: what may be left of files when the power goes.

What was synced is there. Of what was written since, a disk may have kept anything: all, nothing, the beginning, or any
sectors of 512 bytes.
"""

from __future__ import annotations

import random
from typing import TypeAlias

from tests.faults.recording_vfs import Deleted, Operation, Synced, Truncated, Wrote

__all__ = ["SECTOR", "Disk", "Image"]

SECTOR = 512

Image: TypeAlias = dict[str, bytes]
"""Contents by file name."""


class _File:
    """The durable content, and what came since the last sync."""

    def __init__(self) -> None:
        self.durable = bytearray()
        self.pending: list[Wrote | Truncated] = []
        self.synced = False

    def sync(self) -> None:
        for operation in self.pending:
            _apply(self.durable, operation)
        self.pending.clear()
        self.synced = True


class Disk:
    """Follows recorded operations; `cut` says what a power cut now would leave."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._deleted: dict[str, _File] = {}
        """Deleted without a sync of the folder: they may come back."""

    def do(self, operation: Operation) -> None:
        """Go one operation further."""
        match operation:
            case Wrote(file=name) | Truncated(file=name):
                self._deleted.pop(name, None)
                self._files.setdefault(name, _File()).pending.append(operation)
            case Synced(file=name):
                self._sync(name)
            case Deleted(file=name, durable=durable):
                gone = self._files.pop(name, None)
                if gone is not None and not durable:
                    self._deleted[name] = gone

    def _sync(self, name: str) -> None:
        """The first sync of a new log or journal syncs the folder too: SQLite sees to it, and deletions are final."""
        file = self._files.get(name)
        if file is None:
            return
        if not file.synced and name.endswith(("-wal", "-journal")):
            self._deleted.clear()
        file.sync()

    def cut(self, chance: random.Random) -> Image:
        """One of the states that the disk may be in."""
        back = {name: file for name, file in self._deleted.items() if chance.random() < 0.5}
        return {name: _left(file, chance) for name, file in (self._files | back).items()}


def _left(file: _File, chance: random.Random) -> bytes:
    content = bytearray(file.durable)
    match chance.choice(("nothing", "beginning", "torn", "torn", "all")):
        case "beginning":
            kept = file.pending[: chance.randint(0, len(file.pending))]
        case "torn":
            share = chance.choice((0.1, 0.5, 0.9))
            kept = [part for operation in file.pending for part in _sectors(operation) if chance.random() < share]
        case "all":
            kept = file.pending
        case _:
            kept = []
    for operation in kept:
        _apply(content, operation)
    return bytes(content)


def _sectors(operation: Wrote | Truncated) -> list[Wrote | Truncated]:
    """A write as writes that end at the next multiple of 512."""
    if isinstance(operation, Truncated):
        return [operation]
    parts: list[Wrote | Truncated] = []
    start = 0
    while start < len(operation.data):
        end = min(len(operation.data), start + SECTOR - (operation.offset + start) % SECTOR)
        parts.append(Wrote(operation.file, operation.offset + start, operation.data[start:end]))
        start = end
    return parts


def _apply(content: bytearray, operation: Wrote | Truncated) -> None:
    if isinstance(operation, Truncated):
        del content[operation.size :]
        return
    if len(content) < operation.offset:
        content.extend(bytes(operation.offset - len(content)))
    content[operation.offset : operation.offset + len(operation.data)] = operation.data

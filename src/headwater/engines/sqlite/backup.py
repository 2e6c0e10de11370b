"""Backup and restore: whole, consistent files."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from headwater.engines.sqlite.connection import connect_reader, connect_writer, create_file
from headwater.engines.sqlite.errors import our_errors
from headwater.engines.sqlite.location import Location
from headwater.engines.sqlite.migrations import format_of
from headwater.errors import InvalidInput, StoreBusy, StoreCorrupt, StoreMismatch, StoreUnavailable

__all__ = ["back_up", "restore"]

_STEP: Final = 1_024
"""Pages copied at a time: 4 MiB."""


async def back_up(location: Location, target: Path) -> AsyncIterator[tuple[int, int]]:
    """Copy the store as it is now, while it is in use; yields (pages done, pages in all).

    Raises InvalidInput if the target exists, StoreError.
    """
    copy = await asyncio.to_thread(_Copy, location.path, target)
    try:
        while not copy.is_done:
            yield await asyncio.to_thread(copy.step)
        await asyncio.to_thread(copy.finish)
    finally:
        await asyncio.to_thread(copy.close)


def restore(backup: Path, target: Path) -> None:
    """Put a backup where a store shall be, after it has been opened and checked. Blocks.

    Raises StoreUnavailable, StoreCorrupt or StoreMismatch for a bad backup, StoreBusy for a target that is in use:
    close every process that has it open first.
    """
    _check(backup)
    if target.exists():
        _take_out_of_use(target)
    copy = _Copy(backup, target, replace=True)
    try:
        while not copy.is_done:
            copy.step()
        copy.finish()
    finally:
        copy.close()


class _Copy:
    """A copy under way: a file beside the target, which takes its name when it is whole and on the disk."""

    def __init__(self, source: Path, target: Path, replace: bool = False) -> None:
        if target.exists() and not replace:
            raise InvalidInput(f"{str(target)!r} exists: name a file that does not")
        self.is_done = False
        self._target = target
        self._partial = target.with_name(target.name + ".partial")
        _delete(self._partial)
        create_file(self._partial)
        self._source = connect_reader(Location(path=source))
        self._copy = apsw.Connection(str(self._partial), flags=apsw.SQLITE_OPEN_READWRITE)
        with our_errors():
            self._source.execute("BEGIN")  # and read: one state to the end, whatever is written meanwhile
            self._source.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            self._backup = self._copy.backup("main", self._source, "main")

    def step(self) -> tuple[int, int]:
        with our_errors():
            self.is_done = self._backup.step(_STEP)
        return self._backup.page_count - self._backup.remaining, self._backup.page_count

    def finish(self) -> None:
        """Bring the copy to the disk, then give it its name."""
        with our_errors():
            self._backup.finish()
            self._copy.close()
        _sync(self._partial)
        os.replace(self._partial, self._target)
        _sync(self._target.parent)

    def close(self) -> None:
        self._backup.close(True)
        self._copy.close()
        self._source.close()
        _delete(self._partial)


def _check(path: Path) -> None:
    if not path.is_file():
        raise StoreUnavailable(f"there is no backup {str(path)!r}: check the path")
    connection = connect_reader(Location(path=path))
    try:
        with our_errors():
            if format_of(connection) == 0:
                raise StoreMismatch(f"{str(path)!r} holds no headwater store: check the path")
            if connection.execute("PRAGMA integrity_check").get != "ok":
                raise StoreCorrupt(f"the backup {str(path)!r} is damaged: restore another")
    finally:
        connection.close()


def _take_out_of_use(path: Path) -> None:
    """Leave write-ahead mode, which SQLite does only for the one connection there is; its log is gone afterwards."""
    connection = connect_writer(Location(path=path, busy_timeout=0))
    try:
        with our_errors():
            connection.execute("PRAGMA journal_mode=DELETE")
    except StoreBusy as error:
        raise StoreBusy(f"the store {str(path)!r} is in use: close every process that has it open first") from error
    finally:
        connection.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _delete(path: Path) -> None:
    for name in (path.name, path.name + "-wal", path.name + "-shm", path.name + "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(name).unlink()

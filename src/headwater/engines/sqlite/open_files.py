"""Open files: whether the names still lead to the files that were opened.

SQLite writes on into a file that was deleted or replaced under its name, and in write-ahead mode does not look: what
is committed there may never be found again. So the names are looked up before each commit; but where nothing in
their folder was made, renamed or deleted since, a look at the folder is enough.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from headwater.errors import StoreUnavailable

__all__ = ["OpenFiles"]

_ENDINGS: Final = ("", "-wal", "-shm")
"""The file, its write-ahead log, and the index of the log that processes share; all there while it is open."""
_TICK: Final = 100_000_000
"""Nanoseconds: a folder's time moves in steps of some milliseconds, so a young one says nothing yet."""


class OpenFiles:
    """The store's files as they were when it was opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = ""
        self._looked_at: tuple[int, int] | None = None
        self._opened: dict[str, tuple[int, int] | None] = {}

    def remember(self) -> None:
        """Take the files that the names lead to now for the store's."""
        path = str(self._path.resolve())  # where SQLite has them, wherever the process goes
        self._folder, self._looked_at = os.path.dirname(path), None
        self._opened = {path + ending: _identity(path + ending) for ending in _ENDINGS}

    def replaced(self) -> list[str]:
        """The names that lead elsewhere now, or nowhere."""
        return [name for name, opened in self._opened.items() if _identity(name) != opened]

    def check(self) -> None:
        """Raises StoreUnavailable if one was replaced: what is committed now might never be found again."""
        if not self._folder_changed():
            return
        if replaced := self.replaced():
            self._looked_at = None
            raise StoreUnavailable(
                f"{replaced[0]!r} was moved, deleted or replaced while the store is open, so nothing more is written: "
                f"put the store's own file back if another is in its place, then end its processes without killing them"
            )

    def _folder_changed(self) -> bool:
        """False if the folder is as it was when its names were last looked up."""
        try:
            found = os.stat(self._folder)
        except OSError:
            return True
        seen = found.st_ino, found.st_mtime_ns
        if seen == self._looked_at:
            return False
        settled = time.time_ns() - found.st_mtime_ns > _TICK
        self._looked_at = seen if settled else None
        return True


def _identity(name: str) -> tuple[int, int] | None:
    """Device and inode, which no other file gets while this one is open; None if there is no file."""
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino

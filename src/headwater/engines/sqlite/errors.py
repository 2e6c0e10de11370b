"""Errors: what SQLite says, by its codes, as ours."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import apsw

from headwater.errors import (
    AppendOutcomeUnknown,
    HeadwaterError,
    StorageFull,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreMismatch,
    StoreReadOnly,
    StoreUnavailable,
)

__all__ = ["commit_failed", "open_failed", "our_errors", "translated"]

T = TypeVar("T", bound=HeadwaterError)

_BUSY: Final = StoreBusy, "another process holds the store's lock: try again later, with fewer at once"
_FULL: Final = StorageFull, "no room left on the disk: free some, then go on; what was acknowledged is safe"
_READ_ONLY: Final = StoreReadOnly, "the store's file or folder cannot be written: check permissions and the mount"
_UNAVAILABLE: Final = StoreUnavailable, "the store's file cannot be read or written: check path, permissions and disk"
_CORRUPT: Final = StoreCorrupt, "the store's file is damaged: run `headwater verify` and restore from a backup"
_NO_STORE: Final = StoreCorrupt, "the file is no SQLite database: check the path, or restore from a backup"
_OTHER_TABLES: Final = StoreMismatch, "the store's tables are not the ones this release made: check the path and names"
_CLOSED: Final = StoreClosed, "the store is closed: open it first"

_BY_CLASS: Final[dict[type[BaseException], tuple[type[StoreError], str]]] = {
    apsw.BusyError: _BUSY,
    apsw.LockedError: _BUSY,
    apsw.FullError: _FULL,
    apsw.ReadOnlyError: _READ_ONLY,
    apsw.CantOpenError: _UNAVAILABLE,
    apsw.PermissionsError: _UNAVAILABLE,
    apsw.AuthError: _UNAVAILABLE,
    apsw.IOError: _UNAVAILABLE,
    apsw.NoMemError: _UNAVAILABLE,
    apsw.CorruptError: _CORRUPT,
    apsw.FormatError: _CORRUPT,
    apsw.NotADBError: _NO_STORE,
    apsw.SQLError: _OTHER_TABLES,
    apsw.ConnectionClosedError: _CLOSED,
}
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_BY_CODE: Final[dict[int, tuple[type[StoreError], str]]] = {
    apsw.SQLITE_IOERR_CORRUPTFS: _CORRUPT,
    apsw.SQLITE_IOERR_SHMSIZE: _FULL,
    apsw.SQLITE_READONLY_DBMOVED: (StoreUnavailable, "the store's file was moved or replaced while open: open it anew"),
}


def translated(error: BaseException) -> BaseException:
    """The error of our tree for one of SQLite's, with the original as its cause; any other error unchanged."""
    if isinstance(error, UnicodeDecodeError):  # stored text that nobody stored like this
        return _caused(StoreCorrupt(_CORRUPT[1]), error)
    if not isinstance(error, apsw.Error):
        return error
    code = getattr(error, "extendedresult", 0)
    kind, advice = _BY_CODE.get(code) or _BY_CLASS.get(type(error), (StoreError, "SQLite refused: see the cause"))
    return _caused(kind(f"{advice} ({type(error).__name__} {code})"), error)


def commit_failed(error: BaseException) -> BaseException:
    """The error of a failed COMMIT: after an I/O error the commit may be found in the file's log, or not."""
    if isinstance(error, apsw.IOError):
        return _caused(AppendOutcomeUnknown(), error)
    return translated(error)


def open_failed(error: OSError, path: Path) -> StoreError:
    """The error of a file that the operating system does not let us open."""
    if error.errno in _NO_ROOM:
        return _caused(StorageFull(f"no room to make {str(path)!r} ({error.strerror}): free some, then go on"), error)
    kind: type[StoreError] = StoreReadOnly if isinstance(error, PermissionError) else StoreUnavailable
    return _caused(
        kind(f"cannot open {str(path)!r} ({error.strerror}): check the path, its permissions and the mount"), error
    )


@contextmanager
def our_errors() -> Generator[None, None, None]:
    """SQLite's errors as ours, for work that is done on no writer's or reader's thread."""
    try:
        yield
    except apsw.Error as error:
        raise translated(error) from error


def _caused(error: T, cause: BaseException) -> T:
    error.__cause__ = cause
    return error

"""Connections: opened one way, with every setting the promises need, read back where it could be refused."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import errno
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from headwater.engines.sqlite.errors import open_failed, translated
from headwater.engines.sqlite.location import Location
from headwater.errors import StoreUnavailable

__all__ = ["connect_reader", "connect_writer", "create_file", "has_table"]

_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)
_SYNCHRONOUS: Final = {"NORMAL": 1, "FULL": 2}
_WRITER_CACHE: Final = 32 << 10
"""KiB of pages: index pages of the streams written lately."""
_READER_CACHE: Final = 8 << 10
_CHECKPOINT: Final = 4_000
"""Pages in the log after which the writer copies them into the file: 16 MiB."""
_LOG_KEPT: Final = 64 << 20
"""Bytes the log is cut back to, should a long read ever have made it longer."""
_SHORTEST: Final = 0.000_1
_LONGEST: Final = 0.003
"""Seconds between two tries for a lock: short and random, so that no process is always the late one."""


def create_file(path: Path) -> None:
    """Make the file, readable by its owner only, if it is not there. Raises StoreReadOnly, StoreUnavailable.

    One that is there is not opened: to close it would let go of the locks of every connection of this process.
    """
    try:
        os.close(os.open(os.path.realpath(path), os.O_RDWR | os.O_CREAT | os.O_EXCL | _CLOEXEC, 0o600))
    except FileExistsError:
        code = errno.EISDIR if path.is_dir() else 0 if os.access(path, os.R_OK | os.W_OK) else errno.EACCES
        if code:
            raise open_failed(OSError(code, os.strerror(code)), path) from None
    except OSError as error:
        raise open_failed(error, path) from error


def connect_writer(location: Location) -> apsw.Connection:
    """A connection that writes and moves the log into the file. Raises StoreError."""
    connection = _connect(location)
    try:
        _set_journal(connection, location)
        _pragma(connection, "cache_size", -_WRITER_CACHE)
        _pragma(connection, "journal_size_limit", _LOG_KEPT)
        connection.wal_autocheckpoint(_CHECKPOINT)
    except apsw.Error as error:
        connection.close()
        raise translated(error) from error
    return connection


def connect_reader(location: Location) -> apsw.Connection:
    """A connection that only reads. Raises StoreError."""
    connection = _connect(location)
    try:
        _pragma(connection, "cache_size", -_READER_CACHE)
        _pragma(connection, "query_only", 1)
        connection.wal_autocheckpoint(0)
    except apsw.Error as error:
        connection.close()
        raise translated(error) from error
    return connection


def _connect(location: Location) -> apsw.Connection:
    try:
        connection = apsw.Connection(str(location.path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=256)
    except apsw.Error as error:
        raise translated(error) from error
    connection.set_busy_handler(_patience(location.busy_timeout))
    for feature in (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, apsw.SQLITE_DBCONFIG_ENABLE_VIEW):
        connection.config(feature, 0)  # the store has none: whoever planted one does not get to run it
    for name, value in (("trusted_schema", 0), ("foreign_keys", 1), ("mmap_size", 0), ("temp_store", 2)):
        _pragma(connection, name, value)
    return connection


def has_table(connection: apsw.Connection, name: str) -> bool:
    """Asked by a statement, which sees what others have made; apsw's `table_exists` looks at what it knew before."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", (name,))
    return found.get is not None


def _set_journal(connection: apsw.Connection, location: Location) -> None:
    mode = _set_wal(connection, location.busy_timeout)
    if mode != "wal":
        raise StoreUnavailable(f"SQLite keeps journal mode {mode} here, and WAL is needed: use a local disk")
    _pragma(connection, "synchronous", location.synchronous)
    if _pragma(connection, "synchronous") != _SYNCHRONOUS[location.synchronous]:
        raise StoreUnavailable(f"SQLite refuses synchronous={location.synchronous}: what it acknowledges may be lost")
    if sys.platform == "darwin":
        _pragma(connection, "fullfsync", 1)
        _pragma(connection, "checkpoint_fullfsync", 1)


def _set_wal(connection: apsw.Connection, timeout: float) -> object:
    """The journal mode it has then. While another process makes the change, SQLite does not wait by itself."""
    again = _patience(timeout)
    tries = 0
    while True:
        try:
            return _pragma(connection, "journal_mode", "WAL")
        except apsw.BusyError:
            if not again(tries):
                raise
            tries += 1


def _pragma(connection: apsw.Connection, name: str, value: str | int | None = None) -> object:
    return connection.execute(f"PRAGMA {name}" if value is None else f"PRAGMA {name}={value}").get


def _patience(timeout: float) -> Callable[[int], bool]:
    """What SQLite calls while a lock is held elsewhere: sleeps a little and says whether to try again."""
    deadline = 0.0

    def again(tries: int) -> bool:
        nonlocal deadline
        now = time.monotonic()
        if tries == 0:
            deadline = now + timeout
        if now >= deadline:
            return False
        time.sleep(random.uniform(_SHORTEST, _LONGEST))  # noqa: S311 -- only to spread the tries
        return True

    return again

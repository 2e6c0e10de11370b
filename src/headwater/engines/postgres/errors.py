"""Errors: what PostgreSQL says, by its codes, as ours."""

from __future__ import annotations

from typing import Final, TypeVar

import asyncpg

from headwater.errors import (
    ConfigurationError,
    HeadwaterError,
    InvalidMessage,
    StorageFull,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreMismatch,
    StoreReadOnly,
    StoreUnavailable,
)

__all__ = [
    "is_connection_lost",
    "is_held_up",
    "is_raced",
    "is_to_run_again",
    "is_unique_violation",
    "sqlstate",
    "translated",
    "unreached",
]

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

T = TypeVar("T", bound=HeadwaterError)

_AGAIN: Final = frozenset({"40P01", "40001"})
"""The transaction was rolled back to let another go on."""
_HELD_UP: Final = frozenset({"55P03", "57014", "40P01"})
_RACED: Final = frozenset({"23505", "42P07", "42710", "42P06", "XX000"})
"""What two that make the same thing at once run into; XX000 is `tuple concurrently updated`."""

_BUSY: Final = StoreBusy, "another transaction holds a lock, or the server has no room for more: try again later"
_FULL: Final = StorageFull, "no room left on the server's disk: free some, then go on; what was acknowledged is safe"
_READ_ONLY: Final = StoreReadOnly, "the server takes no writes (a standby?), or the role may not write: check the URL"
_DENIED: Final = StoreUnavailable, "the server refuses this role: check the user, its password and its grants"
_AWAY: Final = (
    StoreUnavailable,
    "the server cannot be reached, or is starting or stopping: check the URL and the server",
)
_SILENT: Final = (
    "no answer in time: look whether the server is well, or give the URL a longer statement_timeout= or pool="
)
_CORRUPT: Final = StoreCorrupt, "the server reports damaged data: look at its log and restore from a backup"
_OTHER_TABLES: Final = StoreMismatch, "the store's tables are not the ones this release made: check the URL and names"
_SHARED: Final = (
    StoreUnavailable,
    "something between this process and the server gives one session to many: use session pooling, or none",
)
_VALUE: Final = InvalidMessage, "a value does not fit its column, or is none that PostgreSQL has"

_BY_CODE: Final[dict[str, tuple[type[HeadwaterError], str]]] = {
    "23514": _VALUE,
    "25006": _READ_ONLY,
    "26000": _SHARED,
    "28000": _DENIED,
    "28P01": _DENIED,
    "3D000": (StoreUnavailable, "the server has no such database: create it, or check the URL"),
    "42P05": _SHARED,
    "42501": (StoreReadOnly, "the role has no right to do this: grant it, or use the store's own role"),
    "53100": _FULL,
    "53200": _BUSY,
    "53300": _BUSY,
    "55P03": _BUSY,
    "57014": _BUSY,
    "57P01": _AWAY,
    "57P02": _AWAY,
    "57P03": _AWAY,
    "57P05": _AWAY,
    "25P03": (
        StoreUnavailable,
        "the transaction stood idle for too long and the server ended it: nothing of it is kept",
    ),
}
_BY_CLASS: Final[dict[str, tuple[type[HeadwaterError], str]]] = {
    "08": _AWAY,
    "22": _VALUE,
    "40": _BUSY,
    "42": _OTHER_TABLES,
    "53": _BUSY,
    "55": _BUSY,
    "58": (StoreUnavailable, "the server's disk fails: look at its log"),
    "XX": _CORRUPT,
}
_LOST_CODES: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code of an error, of five characters; empty for an error that is none of the server's."""
    return str(getattr(error, "sqlstate", None) or "")


def is_connection_lost(error: BaseException) -> bool:
    """True where the connection is gone, so that nobody said how the transaction ended."""
    code = sqlstate(error)
    if code:
        return code in _LOST_CODES or code.startswith("08")
    return isinstance(error, (OSError, asyncpg.InterfaceError, TimeoutError, asyncpg.InternalClientError))


def is_held_up(error: BaseException) -> bool:
    """True for what waited for others for too long, or in a circle."""
    return sqlstate(error) in _HELD_UP


def is_to_run_again(error: BaseException) -> bool:
    """True for a transaction that was rolled back to let another go on, or met tables made anew meanwhile."""
    return sqlstate(error) in _AGAIN or isinstance(
        error, (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
    )


def is_unique_violation(error: BaseException) -> bool:
    """True for a row whose key another one has."""
    return sqlstate(error) == "23505"


def is_raced(error: BaseException) -> bool:
    """True for what two that make the same table or row at once may run into: to be tried again."""
    return sqlstate(error) in _RACED | _AGAIN


def translated(error: BaseException) -> BaseException:
    """The error of our tree for one of PostgreSQL's, with the original as its cause; any other error unchanged."""
    if isinstance(error, HeadwaterError):
        return error
    if code := sqlstate(error):
        kind, advice = (
            _BY_CODE.get(code) or _BY_CLASS.get(code[:2]) or (StoreError, "PostgreSQL refused: see the cause")
        )
        return _caused(kind(f"{advice} ({type(error).__name__} {code})"), error)
    if isinstance(error, TimeoutError):
        return _caused(StoreUnavailable(_SILENT), error)
    if isinstance(error, (OSError, asyncpg.InterfaceError, TimeoutError, asyncpg.InternalClientError)):
        return _caused(StoreUnavailable(f"{_AWAY[1]} ({type(error).__name__})"), error)
    return error


def unreached(shown: str, error: BaseException) -> BaseException:
    """The same for a first connection that failed, with the URL as it may be shown, and what the driver says."""
    if isinstance(error, (ValueError, asyncpg.ClientConfigurationError)):
        return _caused(ConfigurationError(f"{shown}: {error}"), error)
    told = translated(error)
    if not isinstance(told, HeadwaterError):
        return told
    reason = f": {error}" if isinstance(error, OSError) and str(error) else ""
    return _caused(type(told)(f"{shown}: {told}{reason}"), error)


def _caused(error: T, cause: BaseException) -> T:
    error.__cause__ = cause
    return error

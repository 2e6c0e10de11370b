"""Errors: what Cassandra and its driver say, by their types and codes, as ours; and what each leaves open."""

# acsylla has no types of its own:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false

from __future__ import annotations

from typing import Final, cast

from acsylla import errors as driver

from headwater.errors import (
    HeadwaterError,
    InvalidMessage,
    StoreBusy,
    StoreError,
    StoreMismatch,
    StoreReadOnly,
    StoreUnavailable,
)

__all__ = ["is_misfit", "is_out_of_reach", "never_left", "translated"]

_SILENT: Final = StoreUnavailable, "no answer in time: look whether enough nodes are well, or raise request_timeout="
_TOO_FEW: Final = StoreUnavailable, "too few replicas are up for the store's consistency level: start more nodes"
_AWAY: Final = StoreUnavailable, "no node can be reached: check the hosts, the port and the nodes"
_BUSY: Final = StoreBusy, "the cluster, or the driver's queue, has no room for more: try again later"
_FAILED: Final = StoreUnavailable, "a replica failed: look at the nodes' logs, for full or failing disks first"
_BUG: Final = StoreError, "the request was made wrongly: see the cause"

_BY_TYPE: Final[tuple[tuple[str, tuple[type[HeadwaterError], str]], ...]] = (
    ("CassErrorServerUnavailable", _TOO_FEW),
    ("CassErrorServerWriteTimeout", _SILENT),
    ("CassErrorServerReadTimeout", _SILENT),
    ("CassErrorLibRequestTimedOut", _SILENT),
    ("CassErrorServerReadFailure", _FAILED),
    ("CassErrorServerWriteFailure", _FAILED),
    ("CassErrorServerOverloaded", _BUSY),
    ("CassErrorLibRequestQueueFull", _BUSY),
    ("CassErrorLibNoStreams", _BUSY),
    ("CassErrorServerIsBootstrapping", _AWAY),
    ("CassErrorLibNoHostsAvailable", _AWAY),
    ("CassErrorLibUnableToConnect", _AWAY),
    ("CassErrorLibWriteError", _AWAY),
    ("CassErrorLibHostResolution", _AWAY),
    ("CassErrorServerServerError", (StoreUnavailable, "a node failed at this: look at the nodes' logs")),
    (
        "CassErrorServerBadCredentials",
        (StoreUnavailable, "the cluster refuses this user: check user and password in the URL"),
    ),
    (
        "CassErrorServerUnauthorized",
        (StoreReadOnly, "the role has no right to do this: grant it, or use the store's own"),
    ),
    (
        "CassErrorServerInvalidQuery",
        (StoreMismatch, "the keyspace's tables are not the ones this release made, or not made yet: check the URL"),
    ),
    ("CassErrorServerTruncateError", _FAILED),
    ("CassErrorLibInvalidValueType", (InvalidMessage, "a value does not fit its column")),
)
_NEVER_LEFT: Final = ("CassErrorLibRequestQueueFull", "CassErrorLibNoStreams")
_DIRECT: Final = tuple([(cast("type[BaseException]", getattr(driver, name)), meant) for name, meant in _BY_TYPE])
_UNSENT: Final = tuple([cast("type[BaseException]", getattr(driver, name)) for name in _NEVER_LEFT])
_MISFIT: Final = cast("type[BaseException]", driver.CassErrorServerInvalidQuery)
_ANY: Final = cast("type[BaseException]", driver.CassException)


def translated(error: BaseException) -> BaseException:
    """The error of our tree for one of the driver's, with the original as its cause; any other error unchanged."""
    if isinstance(error, HeadwaterError) or not isinstance(error, _ANY):
        return error
    kind, advice = next((meant for type, meant in _DIRECT if isinstance(error, type)), _BUG)
    made = kind(f"{advice} ({type(error).__name__})")
    made.__cause__ = error
    return made


def is_out_of_reach(error: BaseException) -> bool:
    """True where the cluster did not answer as it should: what was asked for may be done, or not, or later."""
    return isinstance(error, StoreUnavailable | StoreBusy)


def is_misfit(error: BaseException) -> bool:
    """True where a statement does not fit the tables that are there: one has gone, or was made anew."""
    return isinstance(error.__cause__, _MISFIT)


def never_left(error: BaseException) -> bool:
    """True where the request was certainly not sent."""
    return isinstance(error.__cause__, _UNSENT)

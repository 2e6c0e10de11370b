"""Surroundings: what a store depends on that is not its own, and what of it endangers the promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from headwater.ports.admin import Finding

__all__ = ["IDLE", "Surroundings", "dangers", "unfit"]

IDLE: Final = 60.0
"""Seconds for which a transaction may stand idle unnoticed."""

_OLDEST: Final = 14
_OLD_AGE: Final = 1_000_000_000
"""Transactions; at two thousand million the server stops."""
_UNSAFE: Final = {
    "fsync": "a crash of the machine may destroy the database",
    "full_page_writes": "a crash of the machine may leave pages half written",
    "synchronous_commit": "a crash of the server loses what was acknowledged in the last moments before it",
    "data_checksums": "damage to pages of other tables than the log is not noticed",
}
"""Settings that had better be on."""


class Surroundings(msgspec.Struct, frozen=True):
    """A server's settings and state, in the order they are asked for."""

    version: int
    """As in 150018."""
    encoding: str
    is_standby: bool
    may_delete: bool
    """Whether the role may delete events."""
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    data_checksums: str
    connections: int
    """That roles without rights of their own may open, all together."""
    idle: int
    """Transactions that have stood idle for too long."""
    age: int
    """Of the oldest row version that is not frozen, in transactions."""


def dangers(found: Surroundings, connections: int, where: str) -> Iterator[Finding]:
    """What is wrong with them for an engine that may open so many connections."""
    for severity, said in (("error", _unfit(found)), ("warning", _risky(found, connections))):
        for what in said:
            yield Finding(severity=severity, what=what, where=where)


def unfit(version: int, encoding: str) -> Iterator[str]:
    """Why there can be no store at all."""
    if version < _OLDEST * 10_000:
        yield f"the server is older than PostgreSQL {_OLDEST}: upgrade it"
    if encoding != "UTF8":
        yield f"the database holds text as {encoding}, not all of ours: make one of UTF8"


def _unfit(found: Surroundings) -> Iterator[str]:
    """Why a store cannot work there."""
    yield from unfit(found.version, found.encoding)
    if found.is_standby:
        yield "the server is a standby and takes no writes: name the primary in the URL"


def _risky(found: Surroundings, connections: int) -> Iterator[str]:
    """What may end badly."""
    for name, what in _UNSAFE.items():
        if getattr(found, name) == "off":
            yield f"{name} is off: {what}"
    if found.may_delete:
        yield "this role may delete events: let applications use one that may not"
    if found.connections < connections:
        yield (
            f"the server has room for {found.connections} connections, this process alone may open {connections}: "
            "raise max_connections, or lower pool="
        )
    if found.idle:
        yield (
            f"{found.idle} transactions stand idle for {IDLE:g} seconds and more, and keep the server from cleaning "
            "up behind everybody: see pg_stat_activity for whose they are, and end them"
        )
    if found.age > _OLD_AGE:
        yield f"row versions are {found.age:,} transactions old: have VACUUM (FREEZE) run, before writes stop"

"""Leases: the last lease of each name; an expired one keeps the epoch."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import TypeAlias, cast

import apsw

from headwater.engines.sql.kept_rows import LeaseRow, lease_of
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.ports.clock import Clock
from headwater.ports.leases import Lease

__all__ = ["SqliteLeases"]

_Found: TypeAlias = tuple[str, int, int, int, int]
"""The last holder of a lease, its epoch, when it expires, until when it is backed off, and since when."""


class SqliteLeases:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers, clock: Clock) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers
        self._clock = clock

    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        if await self._readers.run(self._looks_taken, name, owner):  # an attempt in vain writes, and wakes, nothing
            return None
        return await self._writer.run(self._acquire, name, owner, ttl)

    async def release(self, lease: Lease) -> None:
        await self._writer.run(self._release, lease)

    async def back_off(self, lease: Lease, seconds: float) -> None:
        await self._writer.run(self._back_off, lease, seconds)

    async def holders(self) -> list[Lease]:
        return await self._readers.run(self._holders)

    def _find(self, connection: apsw.Connection, name: str) -> _Found:
        row = connection.execute(self._sql["find_lease"], (name,)).get
        return ("", 0, 0, 0, 0) if row is None else cast("_Found", row)

    def _looks_taken(self, connection: apsw.Connection, name: str, owner: str) -> bool:
        return _is_taken(self._find(connection, name), owner, self._clock.micros())

    def _acquire(self, connection: apsw.Connection, name: str, owner: str, ttl: float) -> Lease | None:
        found = self._find(connection, name)
        now = self._clock.micros()
        if _is_taken(found, owner, now):
            return None
        holder, epoch, expires_at, _, _ = found
        is_kept = expires_at > now and holder == owner
        lease = Lease(
            name=name, owner=owner, epoch=epoch if is_kept else epoch + 1, expires_at=now + round(ttl * 1_000_000)
        )
        connection.execute(self._sql["write_lease"], (name, owner, lease.epoch, lease.expires_at, now))
        return lease

    def _release(self, connection: apsw.Connection, lease: Lease) -> None:
        connection.execute(self._sql["end_lease"], (lease.name, lease.owner, lease.epoch))

    def _back_off(self, connection: apsw.Connection, lease: Lease, seconds: float) -> None:
        now = self._clock.micros()
        retry_at = now + round(seconds * 1_000_000)
        connection.execute(self._sql["back_off_lease"], (retry_at, now, lease.name, lease.owner, lease.epoch))

    def _holders(self, connection: apsw.Connection) -> list[Lease]:
        rows = connection.execute(self._sql["list_leases"], (self._clock.micros(),))
        return list(map(lease_of, cast("list[LeaseRow]", rows.fetchall())))


def _is_taken(found: _Found, owner: str, now: int) -> bool:
    holder, _, expires_at, retry_at, since = found
    if now < since:  # the clock has stepped back
        return False
    return (expires_at > now and holder != owner) or retry_at > now

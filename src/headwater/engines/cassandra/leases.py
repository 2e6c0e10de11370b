"""Leases: rows that are compared and set, by the processes' clocks."""

from __future__ import annotations

from typing import cast

from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.protocol.core import ask
from headwater.engines.cassandra.protocol.leasing import acquire, back_off, lasts, release
from headwater.engines.cassandra.protocol.requests import ReadLeaseSerially
from headwater.engines.cassandra.protocol.rows import LeaseRow
from headwater.engines.cassandra.session import Session
from headwater.ports.clock import Clock
from headwater.ports.leases import Lease

__all__ = ["CassandraLeases"]

_OF_OURS = "sequencer:"
"""What the leases of the log's own work begin with."""


class CassandraLeases:
    def __init__(self, session: Session, performer: Performer, clock: Clock) -> None:
        self._session = session
        self._run = performer.run
        self._now = clock.micros

    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        row = await self._run(acquire(name, owner, self._now(), _micros(ttl)))
        return None if row is None else _lease(name, row)

    async def release(self, lease: Lease) -> None:
        if (row := await self._held(lease)) is not None:
            await self._run(release(lease.name, row))

    async def back_off(self, lease: Lease, seconds: float) -> None:
        if (row := await self._held(lease)) is not None:
            await self._run(back_off(lease.name, row, self._now(), _micros(seconds)))

    async def holders(self) -> list[Lease]:
        now, held = self._now(), list[Lease]()
        for name, *columns in await self._session.rows("list_leases"):
            row = LeaseRow(*cast("tuple[str, int, int, int]", tuple(columns)))
            if row.owner and lasts(row, now) and not str(name).startswith(_OF_OURS):
                held.append(_lease(str(name), row))
        return sorted(held, key=lambda lease: lease.name)

    async def _held(self, lease: Lease) -> LeaseRow | None:
        """The row of a lease as it is kept now, if it is the one that was granted."""
        row = await self._run(ask(ReadLeaseSerially(lease.name)))
        return row if row is not None and (row.owner, row.epoch) == (lease.owner, lease.epoch) else None


def _lease(name: str, row: LeaseRow) -> Lease:
    return Lease(name=name, owner=row.owner, epoch=row.epoch, expires_at=row.expires_at)


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)

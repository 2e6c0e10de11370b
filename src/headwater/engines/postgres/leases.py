"""Leases: the last lease of each name; an expired one keeps the epoch."""

from __future__ import annotations

from typing import cast

from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_rows import LeaseRow, lease_of
from headwater.ports.clock import Clock, SystemClock
from headwater.ports.leases import Lease

__all__ = ["PostgresLeases"]


class PostgresLeases:
    """Each deed is one conditional statement, so two that want the same lease need no lock of ours.

    Time is the server's, so that machines need not agree on it; a clock other than the machine's goes before.
    """

    def __init__(self, sql: Statements, pool: Pool, clock: Clock) -> None:
        self._sql = sql
        self._pool = pool
        self._clock = clock

    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        # asked for once more after a broken connection, it is the owner's already, and stays what it was
        row = await self._pool.row(self._sql["acquire_lease"], name, owner, self._now(), _micros(ttl))
        if row is None:
            return None
        self._pool.committed()
        epoch, expires_at = cast("tuple[int, int]", row)
        return Lease(name=name, owner=owner, epoch=epoch, expires_at=expires_at)

    async def release(self, lease: Lease) -> None:
        await self._pool.change(self._sql["end_lease"], lease.name, lease.owner, lease.epoch)

    async def back_off(self, lease: Lease, seconds: float) -> None:
        held = lease.name, lease.owner, lease.epoch
        await self._pool.change(self._sql["back_off_lease"], *held, self._now(), _micros(seconds))

    async def holders(self) -> list[Lease]:
        rows = await self._pool.fetch(self._sql["list_leases"], self._now())
        return list(map(lease_of, cast("list[LeaseRow]", rows)))

    def _now(self) -> int | None:
        """None where the server is to say."""
        return None if isinstance(self._clock, SystemClock) else self._clock.micros()


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)

"""Leases: the last lease of each name; an expired one keeps the epoch."""

from __future__ import annotations

from typing import cast

from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_rows import LeaseRow, lease_of
from headwater.ports.clock import Clock
from headwater.ports.leases import Lease

__all__ = ["PostgresLeases"]


class PostgresLeases:
    """Each deed is one conditional statement, so two that want the same lease need no lock of ours."""

    def __init__(self, sql: Statements, pool: Pool, clock: Clock) -> None:
        self._sql = sql
        self._pool = pool
        self._clock = clock

    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        now = self._clock.micros()
        expires_at = now + _micros(ttl)
        # asked for once more after a broken connection, it is the owner's already, and stays what it was
        epoch = cast("int | None", await self._pool.value(self._sql["acquire_lease"], name, owner, now, expires_at))
        if epoch is None:
            return None
        self._pool.committed()
        return Lease(name=name, owner=owner, epoch=epoch, expires_at=expires_at)

    async def release(self, lease: Lease) -> None:
        await self._pool.change(self._sql["end_lease"], lease.name, lease.owner, lease.epoch)

    async def back_off(self, lease: Lease, seconds: float) -> None:
        retry_at = self._clock.micros() + _micros(seconds)
        await self._pool.change(self._sql["back_off_lease"], lease.name, lease.owner, lease.epoch, retry_at)

    async def holders(self) -> list[Lease]:
        rows = await self._pool.fetch(self._sql["list_leases"], self._clock.micros())
        return list(map(lease_of, cast("list[LeaseRow]", rows)))


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)

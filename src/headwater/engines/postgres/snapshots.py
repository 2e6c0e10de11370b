"""Snapshots: rows with a checksum each."""

from __future__ import annotations

from typing import cast

from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.checksum import snapshot_checksum
from headwater.ports.snapshots import Snapshot

__all__ = ["PostgresSnapshots"]


class PostgresSnapshots:
    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool

    async def load(self, stream: str, kind: str) -> Snapshot | None:
        row = await self._pool.row(self._sql["find_snapshot"], stream, kind)
        if row is None:
            return None
        version, state, checksum = cast("tuple[int, bytes, int]", row)
        if checksum != snapshot_checksum(version, state):
            return None
        return Snapshot(stream=stream, kind=kind, version=version, state=state)

    async def save(self, snapshot: Snapshot) -> None:
        version, state = snapshot.version, snapshot.state
        row = snapshot.stream, snapshot.kind, version, state, snapshot_checksum(version, state)
        await self._pool.change(self._sql["write_snapshot"], *row)

    async def delete(self, stream: str) -> None:
        await self._pool.change(self._sql["delete_snapshots"], stream)

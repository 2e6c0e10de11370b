"""Bonds of a store, in a row beside its identity."""

from __future__ import annotations

from typing import cast

from headwater.domain.bonds import Bonds
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements

__all__ = ["KeptBonds"]


class KeptBonds:
    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool

    async def look(self) -> Bonds:
        """As they are."""
        return await self._pool.read(self.read)

    async def follow(self, store_id: str) -> None:
        """See `Engine.follow`."""
        bonds = await self.look()
        if bonds.follows is None:
            await self._pool.change(self._sql["follow_log"], store_id)
            bonds = await self.look()
        bonds.check_follows(store_id)

    async def begin_copy(self, store_id: str) -> None:
        """See `Imports.begin`."""
        await self._pool.change(self._sql["begin_copy"], store_id)
        (await self.look()).check_becomes(store_id)

    async def finish_copy(self) -> None:
        """See `Imports.finish`."""
        await self._pool.change(self._sql["finish_copy"])

    async def read(self, connection: Connection) -> Bonds:
        """As they are on a connection."""
        row = await connection.fetchrow(self._sql["read_bonds"])
        return Bonds(*cast("tuple[str, str | None, str | None, bool]", row))

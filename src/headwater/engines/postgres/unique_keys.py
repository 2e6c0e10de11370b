"""UniqueKeys: the holders, by their streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from headwater.domain.append import UniqueKey
from headwater.domain.version import check_count
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.ports.unique_keys import HeldKey

__all__ = ["PostgresUniqueKeys"]


class PostgresUniqueKeys:
    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool

    async def holder(self, key: UniqueKey) -> str | None:
        return cast("str | None", await self._pool.value(self._sql["find_key"], key.scope, key.value))

    async def held(self, after: UniqueKey | None = None, limit: int = 1_000) -> Sequence[HeldKey]:
        check_count(limit, "limit")
        start = after or UniqueKey("", "")
        rows = await self._pool.fetch(self._sql["list_keys"], start.scope, start.value, limit)
        return [
            HeldKey(UniqueKey(scope, value), stream)
            for scope, value, stream in cast("list[tuple[str, str, str]]", rows)
        ]

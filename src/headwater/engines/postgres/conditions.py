"""Conditions: rows beside the checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from headwater.domain.free_text import told
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_rows import PauseRow, TroubleRow, pause_of, trouble_of
from headwater.ports.conditions import Pause, Trouble
from headwater.ports.place import Place

__all__ = ["PostgresConditions"]


class PostgresConditions:
    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool

    async def pause(self, pause: Pause) -> None:
        row = pause.projection, told(pause.by), told(pause.reason), pause.since
        await self._pool.change(self._sql["write_pause"], *row)

    async def resume(self, projection: str) -> bool:
        return await self._pool.change(self._sql["delete_pause"], projection) > 0

    async def pauses(self) -> Sequence[Pause]:
        return list(map(pause_of, cast("list[PauseRow]", await self._pool.fetch(self._sql["list_pauses"]))))

    async def report(self, place: Place, trouble: Trouble | None) -> None:
        key = place.projection, place.partition, place.generation, place.key_range
        if trouble is None:
            await self._pool.change(self._sql["delete_trouble"], *key)
        else:
            what = trouble.kind, told(trouble.error), trouble.offset, trouble.since
            row = *key, *what, told(trouble.owner), trouble.failures, trouble.retry_at
            await self._pool.change(self._sql["write_trouble"], *row)

    async def troubles(self) -> Sequence[Trouble]:
        rows = await self._pool.fetch(self._sql["list_troubles"])
        return list(map(trouble_of, cast("list[TroubleRow]", rows)))

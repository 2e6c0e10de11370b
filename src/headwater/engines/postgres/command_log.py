"""CommandLog: rows beside the events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

from headwater.domain.append import CommandRecord
from headwater.domain.version import check_count
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.command_rows import CommandRow, command_row, record_of
from headwater.errors import InvalidVersion
from headwater.ports.clock import Clock

__all__ = ["PostgresCommandLog"]


class PostgresCommandLog:
    def __init__(self, sql: Statements, pool: Pool, clock: Clock) -> None:
        self._sql = sql
        self._pool = pool
        self._clock = clock

    async def find(self, command_id: str) -> CommandRecord | None:
        row = await self._pool.row(self._sql["look_at_commands"], [command_id])
        return None if row is None else record_of(cast("CommandRow", row))

    async def record(self, record: CommandRecord) -> None:
        row = command_row(record, record.writes, self._clock.micros())
        await self._pool.change(self._sql["record_commands"], *[[column] for column in row])

    async def list(self, limit: int, name: str | None = None, refused: bool | None = None) -> Sequence[CommandRecord]:
        check_count(limit, "limit")
        rows = await self._pool.fetch(self._sql["list_commands"], name, refused, limit)
        return [record_of(row) for row in cast("Sequence[CommandRow]", rows)]

    async def all(self, page: int = 1_000) -> AsyncIterator[Sequence[CommandRecord]]:
        if check_count(page, "page") == 0:
            raise InvalidVersion("a page has 1 record or more, got 0")
        last = 0
        while rows := await self._pool.fetch(self._sql["page_commands"], last, page):
            last = cast("int", rows[-1][0])
            yield [record_of(cast("CommandRow", tuple(row)[1:])) for row in rows]

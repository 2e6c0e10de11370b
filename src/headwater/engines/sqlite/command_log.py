"""CommandLog: rows beside the events."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

import apsw

from headwater.domain.append import CommandRecord
from headwater.domain.version import check_count
from headwater.engines.sql.command_rows import CommandRow, command_row, record_of
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.errors import InvalidVersion
from headwater.ports.clock import Clock

__all__ = ["SqliteCommandLog"]


class SqliteCommandLog:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers, clock: Clock) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers
        self._clock = clock

    async def find(self, command_id: str) -> CommandRecord | None:
        return await self._readers.run(self._find, command_id)

    async def record(self, record: CommandRecord) -> None:
        await self._writer.run(self._record, record)

    async def list(self, limit: int, name: str | None = None, refused: bool | None = None) -> Sequence[CommandRecord]:
        check_count(limit, "limit")
        return await self._readers.run(self._list, limit, name, refused)

    async def all(self, page: int = 1_000) -> AsyncIterator[Sequence[CommandRecord]]:
        if check_count(page, "page") == 0:
            raise InvalidVersion("a page has 1 record or more, got 0")
        number = 0
        while rows := await self._readers.run(self._page, number, page):
            number = rows[-1][0]
            yield [record_of(cast("CommandRow", row[1:])) for row in rows]

    def _page(self, connection: apsw.Connection, number: int, page: int) -> Sequence[tuple[int, ...]]:
        rows = connection.execute(self._sql["page_commands"], (number, page))
        return cast("Sequence[tuple[int, ...]]", rows.fetchall())

    def _find(self, connection: apsw.Connection, command_id: str) -> CommandRecord | None:
        row = connection.execute(self._sql["find_command"], (command_id,)).get
        return None if row is None else record_of(cast("CommandRow", row))

    def _record(self, connection: apsw.Connection, record: CommandRecord) -> None:
        kept = self._find(connection, record.id)
        if kept is None or kept.error is not None:
            row = command_row(record, record.writes, self._clock.micros())
            connection.execute(self._sql["insert_command"], row)

    def _list(
        self, connection: apsw.Connection, limit: int, name: str | None, refused: bool | None
    ) -> Sequence[CommandRecord]:
        if refused:
            rows = connection.execute(self._sql["list_refused_commands"], (name, limit))
        else:
            rows = connection.execute(self._sql["list_commands"], (name, refused, limit))
        return [record_of(row) for row in cast("list[CommandRow]", rows.fetchall())]

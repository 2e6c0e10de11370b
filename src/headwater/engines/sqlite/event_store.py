"""EventStore with all kinds of appends: they are made on the writer, loads on the readers."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import Context, copy_context
from typing import Final, cast

import apsw

from headwater.domain.append import Append, Appended, check_append
from headwater.domain.boundary import Boundary, BoundaryPage, Mark, check_conditions, check_mark
from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import check_count
from headwater.engines.sql.places import Places
from headwater.engines.sqlite.appender import Appender
from headwater.engines.sqlite.boundaries import Boundaries
from headwater.engines.sqlite.fold import Folds
from headwater.engines.sqlite.generation_states import GenerationStates
from headwater.engines.sqlite.inline import Inline
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.stored import PAGE, EventPage, stored_events
from headwater.engines.sqlite.writer import Writer
from headwater.errors import InvalidVersion
from headwater.limits import Limits
from headwater.ports.clock import Clock
from headwater.ports.event_store import FoldRows
from headwater.ports.inline_appends import InlineProjection

__all__ = ["SqliteEventStore"]

_NO_END: Final = 2**63 - 1


class SqliteEventStore:
    def __init__(
        self,
        sql: Statements,
        writer: Writer,
        readers: Readers,
        limits: Limits,
        clock: Clock,
        places: Places,
        states: GenerationStates,
    ) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers
        self._limits = limits
        self._places = places
        self._commit = Appender(sql, writer, clock).commit
        self._inline = Inline(sql, states)
        self._fold = Folds(sql).read
        self._boundaries = Boundaries(sql)

    async def append(self, append: Append) -> Appended:
        return await self.append_atomic(append)

    async def append_atomic(self, append: Append) -> Appended:
        check_append(append, self._limits)
        check_conditions(append.conditions, 1)
        return self._remembered(*await self._writer.run(self._commit, append))

    async def append_inline(self, append: Append, inline: Sequence[InlineProjection]) -> Appended:
        check_append(append, self._limits)
        check_conditions(append.conditions, 1)
        return self._remembered(*await self._writer.run_alone(self._commit_inline, append, inline, copy_context()))

    async def append_within(self, append: Append) -> Appended:
        return await self.append_atomic(append)

    async def read_within(self, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
        check_mark(after, 1)
        if check_count(limit, "limit") == 0:
            raise InvalidVersion("a page has 1 event or more, got 0")
        return await self._readers.run(self._boundaries.read, boundary, after, min(limit, PAGE))

    async def tags_between(self, partition: int, start: int, stop: int) -> Mapping[int, tuple[str, ...]]:
        if check_count(partition, "partition") != 0:
            raise InvalidVersion(f"there is no partition {partition}: this log has 1, from 0")
        bounds = check_count(start, "start"), check_count(stop, "stop")
        return await self._readers.run(self._boundaries.tags, *bounds)

    async def load(self, stream: StreamId, after: int = 0, up_to: int | None = None) -> Sequence[StoredEvent]:
        check_count(after, "after")
        last = _NO_END if up_to is None else check_count(up_to, "up_to")
        return await self._readers.run(self._load, str(stream), after, last)

    async def fold_rows(self, stream: StreamId, after: int = 0) -> FoldRows:
        check_count(after, "after")
        return await self._readers.run(self._fold, str(stream), after)

    async def head(self, stream: StreamId) -> int:
        return await self._readers.run(_number, self._sql["read_version"], str(stream))

    async def count(self, category: str) -> int:
        return await self._readers.run(_number, self._sql["read_category"], category)

    def _commit_inline(
        self, connection: apsw.Connection, append: Append, inline: Sequence[InlineProjection], context: Context
    ) -> tuple[Appended, list[int]]:
        appended, offsets = self._commit(connection, append)
        if offsets:
            count = sum(len(write.events) for write in append.writes)
            self._inline.handle(connection, inline, offsets[-1] - count + 1, count, context)
        return appended, offsets

    def _remembered(self, appended: Appended, offsets: list[int]) -> Appended:
        if offsets:
            self._places.remember(appended.writes, [(0, offset) for offset in offsets])
        return appended

    def _load(self, connection: apsw.Connection, stream: str, after: int, last: int) -> Sequence[StoredEvent]:
        events: list[StoredEvent] = []
        while True:
            page = connection.execute(self._sql["load_stream"], (stream, after, last, PAGE)).get
            found = stored_events(cast("EventPage", page))
            events += found
            if len(found) < PAGE:
                return events
            after = found[-1].version


def _number(connection: apsw.Connection, statement: str, name: str) -> int:
    return cast("int", connection.execute(statement, (name,)).get or 0)

"""Parking: rows by place."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias, cast

import apsw
import msgspec

from headwater.domain.free_text import told
from headwater.domain.version import check_count
from headwater.engines.sql.kept_rows import ParkedRow, QueueRow, parked_of, queue_of
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.ports.parking import ParkedEvent, ParkedPlace, ParkedQueue

__all__ = ["SqliteParking", "is_held_up", "parked_pages", "set_aside"]

_Value: TypeAlias = str | int | bytes | None

_NO_LIMIT: Final = -1
_BEFORE_ALL: Final = -1


class SqliteParking:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers

    async def queues(
        self, projection: str, generation: int, partition: int | None = None, limit: int | None = None
    ) -> Sequence[ParkedQueue]:
        rows = _NO_LIMIT if limit is None else check_count(limit, "limit")
        return await self._readers.run(self._queues, (projection, generation, partition, rows))

    async def parked(
        self,
        projection: str | None = None,
        key: str | None = None,
        *,
        generation: int | None = None,
        partition: int | None = None,
        after: ParkedPlace | None = None,
        limit: int = 1_000,
    ) -> Sequence[ParkedEvent]:
        check_count(limit, "limit")
        wanted = projection, key, generation, partition
        if after is None and None not in wanted:
            one_key = projection, generation, partition, key, _BEFORE_ALL, limit
            return await self._readers.run(self._parked, "list_parked_of_key", one_key)
        start = after or ParkedPlace(projection or "", _BEFORE_ALL, _BEFORE_ALL, _BEFORE_ALL)
        bindings = *msgspec.structs.astuple(start), *wanted, limit
        return await self._readers.run(self._parked, "list_parked", bindings)

    async def park(self, event: ParkedEvent) -> None:
        await self._writer.run(set_aside, self._sql, [event])

    async def edit(self, place: ParkedPlace, data: bytes) -> bool:
        return await self._writer.run(_changed, self._sql["edit_parked"], (data, *msgspec.structs.astuple(place)))

    async def discard(self, place: ParkedPlace) -> bool:
        return await self._writer.run(_changed, self._sql["discard_parked"], msgspec.structs.astuple(place))

    def _queues(self, connection: apsw.Connection, bindings: tuple[_Value, ...]) -> Sequence[ParkedQueue]:
        rows = cast("list[QueueRow]", connection.execute(self._sql["list_parked_queues"], bindings).fetchall())
        return list(map(queue_of, rows))

    def _parked(
        self, connection: apsw.Connection, statement: str, bindings: tuple[_Value, ...]
    ) -> Sequence[ParkedEvent]:
        rows = cast("list[ParkedRow]", connection.execute(self._sql[statement], bindings).fetchall())
        return list(map(parked_of, rows))


def parked_pages(
    connection: apsw.Connection, sql: Statements, projection: str, generation: int, page: int
) -> Iterator[Sequence[ParkedEvent]]:
    """All that a generation has parked, by place, inside the caller's transaction; no page is empty."""
    start = ParkedPlace(projection, generation, _BEFORE_ALL, _BEFORE_ALL)
    while True:
        bindings = *msgspec.structs.astuple(start), projection, None, generation, None, page
        rows = cast("list[ParkedRow]", connection.execute(sql["list_parked"], bindings).fetchall())
        if not rows:
            return
        yield list(map(parked_of, rows))
        start = parked_of(rows[-1]).place


def set_aside(connection: apsw.Connection, sql: Statements, events: Sequence[ParkedEvent]) -> None:
    """Park events inside the caller's transaction."""
    connection.executemany(sql["park_event"], [_row(event) for event in events])


def is_held_up(connection: apsw.Connection, sql: Statements, projection: str, generation: int, partition: int) -> bool:
    """Whether a projection is paused, or a generation of it has anything parked in a partition."""
    return bool(connection.execute(sql["is_held_up"], (projection, generation, partition)).get)


def _row(event: ParkedEvent) -> tuple[_Value, ...]:
    shown = msgspec.structs.replace(event, error=event.error and told(event.error), trace=told(event.trace))
    return msgspec.structs.astuple(shown)


def _changed(connection: apsw.Connection, statement: str, bindings: tuple[_Value, ...]) -> bool:
    connection.execute(statement, bindings)
    return connection.changes() > 0

"""Parking: rows by place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, cast

import msgspec

from headwater.domain.free_text import told
from headwater.domain.version import check_count
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_rows import ParkedRow, QueueRow, parked_of, queue_of
from headwater.ports.parking import ParkedEvent, ParkedPlace, ParkedQueue
from headwater.ports.place import Place

__all__ = ["PostgresParking", "is_held_up", "parked_pages", "set_aside", "take_back"]

_BEFORE_ALL: Final = -1


class PostgresParking:
    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool

    async def queues(
        self, projection: str, generation: int, partition: int | None = None, limit: int | None = None
    ) -> Sequence[ParkedQueue]:
        most = None if limit is None else check_count(limit, "limit")
        rows = await self._pool.fetch(self._sql["list_parked_queues"], projection, generation, partition, most)
        return list(map(queue_of, cast("list[QueueRow]", rows)))

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
            one_key = projection, generation, partition, key, limit
            rows = await self._pool.fetch(self._sql["list_parked_of_key"], *one_key)
        else:
            start = after or ParkedPlace(projection or "", _BEFORE_ALL, _BEFORE_ALL, _BEFORE_ALL)
            rows = await self._pool.fetch(self._sql["list_parked"], *msgspec.structs.astuple(start), *wanted, limit)
        return list(map(parked_of, cast("list[ParkedRow]", rows)))

    async def park(self, event: ParkedEvent) -> None:
        await self._pool.change(self._sql["park_event"], *_row(event))

    async def edit(self, place: ParkedPlace, data: bytes) -> bool:
        return await self._pool.change(self._sql["edit_parked"], *msgspec.structs.astuple(place), data) > 0

    async def discard(self, place: ParkedPlace) -> bool:
        key = place.projection, place.generation, place.partition
        return await self._pool.change(self._sql["discard_parked"], *key, [place.offset]) > 0


async def set_aside(connection: Connection, sql: Statements, events: Sequence[ParkedEvent]) -> None:
    """Park events inside the caller's transaction."""
    await connection.executemany(sql["park_event"], list(map(_row, events)))


async def take_back(connection: Connection, sql: Statements, place: Place, offsets: Sequence[int]) -> None:
    """Forget parked events of a place, inside the caller's transaction."""
    key = place.projection, place.generation, place.partition
    await connection.execute(sql["discard_parked"], *key, list(offsets))


async def is_held_up(connection: Connection, sql: Statements, projection: str, generation: int, partition: int) -> bool:
    """Whether a projection is paused, or a generation of it has anything parked in a partition."""
    return bool(await connection.fetchval(sql["is_held_up"], projection, generation, partition))


async def parked_pages(
    connection: Connection, sql: Statements, projection: str, generation: int, page: int
) -> AsyncIterator[Sequence[ParkedEvent]]:
    """All that a generation has parked, by place, inside the caller's transaction; no page is empty."""
    start = ParkedPlace(projection, generation, _BEFORE_ALL, _BEFORE_ALL)
    while True:
        bindings = *msgspec.structs.astuple(start), projection, None, generation, None, page
        rows = await connection.fetch(sql["list_parked"], *bindings)
        events = list(map(parked_of, cast("list[ParkedRow]", rows)))
        if not events:
            return
        yield events
        start = events[-1].place


def _row(event: ParkedEvent) -> Sequence[object]:
    shown = msgspec.structs.replace(event, error=event.error and told(event.error), trace=told(event.trace))
    return msgspec.structs.astuple(shown)

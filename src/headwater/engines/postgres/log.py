"""Log: a number of partitions, in each of which offsets are dense and ordered by commit."""

from __future__ import annotations

from typing import Final, cast
from zlib import crc32

from headwater.domain.version import check_count
from headwater.engines.postgres.heads import Heads
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.stored import PAGE, stored_events
from headwater.engines.sql.places import Places
from headwater.errors import InvalidVersion, StoreClosed
from headwater.ports.log import LogFilter, LogPage

__all__ = ["PostgresLog"]

_LOOKED_AT: Final = 10_000
"""Rows looked at for one page of a filter."""
_EVERYTHING_VISIBLE: Final = LogFilter()


class PostgresLog:
    def __init__(self, sql: Statements, pool: Pool, places: Places) -> None:
        self._sql = sql
        self._pool = pool
        self.heads = Heads(sql, pool)
        self._places = places
        self._partitions = 0

    def learn(self, partitions: int) -> None:
        """How many partitions the store was made with."""
        self._partitions = partitions

    @property
    def partitions(self) -> int:
        if not self._partitions:
            raise StoreClosed("this PostgreSQL store has not been opened: how many partitions it has, it says then")
        return self._partitions

    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        self._check_partition(partition)
        check_count(start, "offset")
        check_count(limit, "limit")
        if limit == 0 or not await self.heads.may_be_beyond(partition, start):
            return LogPage([], start)
        return await self._read(partition, start, min(limit, PAGE), only or _EVERYTHING_VISIBLE)

    async def head(self, partition: int) -> int:
        self._check_partition(partition)
        return cast("int", await self._pool.value(self._sql["read_head"], partition))

    def partition_of(self, key: str) -> int:
        return crc32(key.encode()) % self.partitions

    async def offset_of(self, stream: str, version: int) -> tuple[int, int] | None:
        place = self._places.find(stream, version)
        if place is None:
            row = await self._pool.row(self._sql["find_offset"], stream, version)
            place = None if row is None else cast("tuple[int, int]", tuple(row))
        return place

    async def _read(self, partition: int, start: int, limit: int, only: LogFilter) -> LogPage:
        """A page that is not full says by its last row, which may be no event, how far it has looked."""
        rows = PAGE if only.metadata else limit  # metadata lies in the context, which only we can read
        end = start + (_LOOKED_AT if _restricts(only) else limit)
        wanted = only.hidden, list(only.types) or None, list(only.categories) or None, only.since, only.until
        found = await self._pool.fetch(self._sql["read_log"], partition, start, end, *wanted, only.stream, rows)
        *kept, (_, head, *_) = found
        events = stored_events(kept)
        next = events[-1].offset + 1 if len(events) == rows else max(start, min(end, cast("int", head)))
        if only.metadata:
            events = [event for event in events if only.matches(event)][:limit]
        return LogPage(events, events[-1].offset + 1 if len(events) == limit else next)

    def _check_partition(self, partition: int) -> None:
        if check_count(partition, "partition") >= self.partitions:
            raise InvalidVersion(f"there is no partition {partition}: this log has {self.partitions}, from 0")


def _restricts(only: LogFilter) -> bool:
    """Whether few of many rows may be wanted, so that more are worth a look."""
    return only != _EVERYTHING_VISIBLE

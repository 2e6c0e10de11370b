"""Log: partitions in buckets, read as far as they have no hole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast
from zlib import crc32

from headwater.domain.event import StoredEvent
from headwater.domain.version import check_count
from headwater.engines.cassandra.appending.pending import Pending
from headwater.engines.cassandra.log_times import LogTimes
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.event_rows import StoredColumns, stored_event
from headwater.engines.sql.places import Places
from headwater.errors import InvalidVersion, StoreClosed
from headwater.ports.log import LogFilter, LogPage

__all__ = ["CassandraLog"]

_PAGE: Final = 2_000
_LOOKED_AT: Final = 10_000
"""Rows looked at for one page of a filter."""
_EVERYTHING_VISIBLE: Final = LogFilter()


class CassandraLog:
    """What was appended through this engine object it waits for at its end, as long as an append may take."""

    def __init__(
        self, session: Session, times: LogTimes, unlogged: Pending, unsettled: Pending, places: Places, patience: float
    ) -> None:
        self._session = session
        self._times = times
        self._unlogged = unlogged
        self._unsettled = unsettled
        self._places = places
        self._patience = patience
        self._partitions = 0
        self._shape = Shape()
        self._heads: dict[int, int] = {}
        """The highest offset that was seen in each partition: where its last bucket is looked for."""

    def learn(self, partitions: int, shape: Shape) -> None:
        """What the store was made with."""
        self._partitions, self._shape = partitions, shape
        self._heads.clear()

    def saw(self, partition: int, offset: int) -> None:
        """This offset is there."""
        if offset > self._heads.get(partition, -1):
            self._heads[partition] = offset

    @property
    def partitions(self) -> int:
        if not self._partitions:
            raise StoreClosed("this Cassandra store has not been opened: how many partitions it has, it says then")
        return self._partitions

    def partition_of(self, key: str) -> int:
        return crc32(key.encode()) % self.partitions

    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        self._check_partition(partition)
        check_count(start, "offset")
        check_count(limit, "limit")
        if limit == 0:
            return LogPage([], start)
        only, limit = only or _EVERYTHING_VISIBLE, min(limit, _PAGE)
        page, is_end = await self._read(partition, start, limit, only)
        if is_end and self._unlogged.has(partition):
            await self._unlogged.wait(partition, self._patience)
            more, _ = await self._read(partition, page.next, limit - len(page.events), only)
            page = LogPage([*page.events, *more.events], more.next)
        return page

    async def head(self, partition: int) -> int:
        self._check_partition(partition)
        await self._unlogged.wait(partition, self._patience)
        return await self.end(partition)

    async def end(self, partition: int) -> int:
        """Where the log of a partition ends now, whatever is on its way to it."""
        known = self._heads.get(partition)
        if known is None:
            settled = await self._session.row("read_settled", partition)
            known = cast("int", settled[0]) if settled is not None and settled[0] is not None else -1
        bucket = self._shape.bucket_of(max(known, 0))
        while True:
            row = await self._session.row("read_log_head", partition, bucket)
            if row is None or row[0] is None:
                break
            known = max(known, cast("int", row[0]))
            bucket += 1
            if known + 1 < self._shape.bucket_start(bucket):
                break
        self.saw(partition, known)
        return known + 1

    async def offset_of(self, stream: str, version: int) -> tuple[int, int] | None:
        if version < 1:
            return None
        if (place := self._places.find(stream, version)) is not None:
            return place
        # an event lies in the chunk of the version that its append expected: of one of those just below its own
        chunk = self._shape.chunk_of(version - 1)
        chunks = [(stream, each) for each in (chunk, chunk - 1) if each >= 0]
        found = await self._find_offset(chunks, version)
        if found is None and await self._unsettled.wait_for(chunks, self._patience):
            found = await self._find_offset(chunks, version)
        return found

    async def tags_between(self, partition: int, start: int, stop: int) -> dict[int, tuple[str, ...]]:
        """As KeepsTags."""
        self._check_partition(partition)
        found: dict[int, tuple[str, ...]] = {}
        for bucket in range(self._shape.bucket_of(start), self._shape.bucket_of(max(start, stop - 1)) + 1):
            async for rows in self._session.pages("read_tags", partition, bucket, start, stop):
                for offset, tags in cast("list[tuple[int, Sequence[str] | None]]", rows):
                    if tags:
                        found[offset] = tuple(sorted(tags))
        return found

    async def _find_offset(self, chunks: Sequence[tuple[str, int]], version: int) -> tuple[int, int] | None:
        for stream, chunk in chunks:
            row = await self._session.row("find_offset", stream, chunk, version)
            if row is not None:
                key, offset = cast("tuple[str, int | None]", row)
                return None if offset is None else (self.partition_of(key or stream), offset)
        return None

    async def _read(self, partition: int, start: int, limit: int, only: LogFilter) -> tuple[LogPage, bool]:
        """A page, and whether it ends where the log does."""
        events = list[StoredEvent]()
        restricts = only != _EVERYTHING_VISIBLE
        next, stop = start, start + (_LOOKED_AT if restricts else limit)
        while len(events) < limit and next < stop:
            count = min(stop - next, _PAGE if restricts else limit - len(events))
            found = await self._rows(partition, next, count)
            for event in found:
                if len(events) == limit:
                    return LogPage(events, next), False
                next = event.offset + 1
                if only.matches(event):
                    events.append(event)
            if not found or (len(found) < count and next != self._shape.bucket_start(self._shape.bucket_of(next))):
                if found:  # where nothing was, somebody may have asked beyond the end
                    self.saw(partition, next - 1)
                return LogPage(events, next), True
        return LogPage(events, next), False

    async def _rows(self, partition: int, start: int, count: int) -> list[StoredEvent]:
        """Of one bucket, as far as they follow on each other."""
        bucket = self._shape.bucket_of(start)
        found = await self._session.rows("read_log", partition, bucket, start, start + count, count)
        events: list[StoredEvent] = []
        times: list[int] = []
        for offset, stream, time, *columns in cast("list[tuple[int, str, int, object]]", found):
            if offset != start + len(events):
                break
            events.append(stored_event(partition, offset, stream, cast("StoredColumns", tuple(columns))))
            times.append(time)
        self._times.saw(partition, start, times)
        return events

    def _check_partition(self, partition: int) -> None:
        if check_count(partition, "partition") >= self.partitions:
            raise InvalidVersion(f"there is no partition {partition}: this log has {self.partitions}, from 0")

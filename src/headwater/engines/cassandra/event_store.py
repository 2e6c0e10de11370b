"""EventStore: appends to one stream at a time, loads by chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final, cast

from headwater.domain.append import Append, Appended, check_append
from headwater.domain.event import UNLOGGED, StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import check_count
from headwater.engines.cassandra.appending.appender import Appender
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Row, Session
from headwater.engines.cassandra.stream_counts import StreamCounts
from headwater.engines.cassandra.tables.event_rows import StoredColumns, stored_event
from headwater.errors import InvalidMessage, LimitExceeded, StoreBusy, StoreCorrupt
from headwater.limits import Limits
from headwater.ports.event_store import FoldRows

__all__ = ["CassandraEventStore"]

_PAGE: Final = 2_000
_NO_END: Final = 2**63 - 1


class CassandraEventStore:
    def __init__(
        self, session: Session, appender: Appender, log: CassandraLog, counts: StreamCounts, limits: Limits
    ) -> None:
        self._session = session
        self._appender = appender
        self._log = log
        self._counts = counts
        self._limits = limits
        self._shape = Shape()
        self._under_way = 0

    def start(self, shape: Shape) -> None:
        """Take appends to a store of this shape."""
        self._shape = shape
        self._appender.start(shape)

    async def append(self, append: Append) -> Appended:
        check_append(append, self._limits)
        _check_single(append)
        [write] = append.writes
        if len(write.events) > self._shape.events_per_append:
            limit = self._shape.events_per_append
            raise LimitExceeded("number of events in an append to this store", len(write.events), limit)
        if self._under_way >= self._limits.queued_writes:
            raise StoreBusy(f"{self._under_way:,} appends are under way: try again later, with fewer at once")
        self._under_way += 1
        try:
            part = self._log.partition_of(write.partition_key or str(write.stream))
            return await self._appender.append(append, part)
        finally:
            self._under_way -= 1

    async def load(self, stream: StreamId, after: int = 0, up_to: int | None = None) -> Sequence[StoredEvent]:
        check_count(after, "after")
        last = _NO_END if up_to is None else check_count(up_to, "up_to")
        events, name = list[StoredEvent](), str(stream)
        first = max(
            0, self._shape.chunk_of(after) - (after % self._shape.events_per_chunk < self._shape.events_per_append)
        )
        for chunk in count(first):
            head = await self._load(events, name, chunk, after, last)
            is_behind = chunk < self._shape.chunk_of(after)
            if not is_behind and (head is None or head < self._shape.chunk_end(chunk) or head >= last):
                return events
        raise AssertionError

    async def fold_rows(self, stream: StreamId, after: int = 0) -> FoldRows:
        events = await self.load(stream, after)
        version = events[-1].version if events else await self.head(stream)
        return FoldRows(version, [(each.type, each.schema, each.data) for each in events if each.topic is None])

    async def head(self, stream: StreamId) -> int:
        return await self._appender.head(0, str(stream))

    async def count(self, category: str) -> int:
        return await self._counts.of(category)

    async def tags_between(self, partition: int, start: int, stop: int) -> Mapping[int, tuple[str, ...]]:
        """As KeepsTags."""
        return await self._log.tags_between(partition, start, stop)

    async def _load(self, events: list[StoredEvent], stream: str, chunk: int, after: int, last: int) -> int | None:
        """Add the rows of a chunk; its head, or None where it has no row in the range."""
        head = None
        while True:
            start = events[-1].version if events else after
            rows = await self._session.rows("read_events", stream, chunk, start, last, _PAGE)
            if rows and not _is_whole(rows, start):
                rows = await self._session.rows("read_events", stream, chunk, start, last, _PAGE, serially=True)
                if not _is_whole(rows, start):
                    raise StoreCorrupt(f"stream {stream!r} has a hole behind version {start}: restore from a backup")
            for row in rows:
                events.append(self._event(stream, row))
                head = cast("int", row[0])
            if len(rows) < _PAGE:
                return head

    def _event(self, stream: str, row: Row) -> StoredEvent:
        _, partition_key, _, offset, *columns = row
        partition = self._log.partition_of(cast("str", partition_key) or stream)
        place = UNLOGGED if offset is None else cast("int", offset)
        return stored_event(partition, place, stream, cast("StoredColumns", tuple(columns)))


def _check_single(append: Append) -> None:
    if len(append.writes) != 1 or append.checks or append.changes or append.conditions:
        raise InvalidMessage("Cassandra commits the events of one stream at a time, and nothing beside them")


def _is_whole(rows: Sequence[Row], after: int) -> bool:
    """Whether no row is missing, or visible in part."""
    return all(row[2] is not None and row[4] == after + nth for nth, row in enumerate(rows, 1))

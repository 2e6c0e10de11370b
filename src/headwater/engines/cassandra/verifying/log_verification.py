"""Log verification: the events of one partition against their checksums, their places and their streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, TypeAlias, cast

import msgspec

from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.protocol.rows import ChunkKey, Count
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Row, Session
from headwater.engines.cassandra.tables.event_rows import EventColumns
from headwater.engines.cassandra.together import all_of
from headwater.engines.sql.checksum import seal
from headwater.engines.sql.event_walk import wrong
from headwater.ports.admin import Finding

__all__ = ["LogVerification", "is_sealed"]

_PAGE: Final = 500

_Kept: TypeAlias = tuple[str | None, int | None, EventColumns]
"""A row of a stream: the partition key, where it says that it lies, and the event."""


class _LogRow(msgspec.Struct, frozen=True):
    offset: int
    log_time: int
    stream: str
    chunk: int
    columns: EventColumns

    @property
    def version(self) -> int:
        return self.columns[0]

    @property
    def key(self) -> ChunkKey:
        return self.stream, self.chunk


class LogVerification:
    """What is appended meanwhile is no finding."""

    def __init__(
        self,
        session: Session,
        log: CassandraLog,
        shape: Shape,
        part: int,
        settled: int,
        counts: Mapping[str, Count],
    ) -> None:
        """`counts` were read after it was settled up to that offset, and both before the walk."""
        self._session = session
        self._log = log
        self._shape = shape
        self._part = part
        self._settled = settled
        self._counts = counts
        self._log_time = -1
        self.checked = 0
        self.counted = Counter[str]()
        """By category, the streams that begin at or below the offset of its count, or of what is settled."""
        self.begun = Counter[str]()
        """By category, those that begin in what is settled."""

    async def steps(self) -> AsyncIterator[Sequence[Finding]]:
        """What is wrong with each page, from the first offset to the last."""
        start, end = 0, await self._log.head(self._part)
        while start < end:
            next_bucket = self._shape.bucket_start(self._shape.bucket_of(start) + 1)
            stop = min(end, start + _PAGE, next_bucket)
            rows = await self._rows(start, stop)
            found = list(self._in_place(rows, start, stop))
            found += [finding for row in rows for finding in self._of_row(row)]
            chunks = groupby(sorted(rows, key=lambda row: (row.key, row.version)), key=lambda row: row.key)
            for findings in await all_of([self._of_chunk(key, list(group)) for key, group in chunks]):
                found += findings
            yield found
            start = stop

    async def _rows(self, start: int, stop: int) -> list[_LogRow]:
        """Of one bucket; where some are missing, a serial read shows whether they are there."""
        place = self._part, self._shape.bucket_of(start), start, stop
        for serially in (False, True):
            found = await self._session.rows("verify_log", *place, serially=serially)
            if len(found) == stop - start:
                break
        return [_LogRow(*cast("tuple[int, int, str, int]", row[:4]), _columns(row[4:])) for row in found]

    def _in_place(self, rows: Sequence[_LogRow], start: int, stop: int) -> Iterator[Finding]:
        if [row.offset for row in rows] != list(range(start, stop)):
            where = f"partition {self._part}, offsets {start} to {stop}"
            yield wrong("offsets with a hole: events are missing", where)

    def _of_row(self, row: _LogRow) -> Iterator[Finding]:
        where = self._where(row)
        if not is_sealed(row.columns):
            yield wrong("an event of the log that does not match its checksum", where)
        if row.log_time != max(row.columns[2], self._log_time + 1):
            yield wrong("a log time that does not follow from the one before", where)
        self._log_time = row.log_time
        self.checked += 1
        if row.version == 1:
            category = row.stream.partition("-")[0]
            count = self._counts.get(category)
            self.counted[category] += row.offset <= (self._settled if count is None else count.offset)
            self.begun[category] += row.offset <= self._settled

    async def _of_chunk(self, key: ChunkKey, rows: Sequence[_LogRow]) -> list[Finding]:
        """Rows of one chunk by version, against those of the chunk itself."""
        kept = await self._kept(key, rows[0].version - 1, rows[-1].version)
        if any(row.version not in kept for row in rows):
            kept = await self._kept(key, rows[0].version - 1, rows[-1].version, serially=True)
        return [finding for row in rows for finding in self._of_kept(row, kept)]

    async def _kept(self, key: ChunkKey, first: int, last: int, serially: bool = False) -> dict[int, _Kept]:
        rows = await self._session.rows("verify_rows", *key, first, last, serially=serially)
        return {
            cast("int", row[2]): (cast("str | None", row[0]), cast("int | None", row[1]), _columns(row[2:]))
            for row in rows
            if row[3] is not None
        }

    def _of_kept(self, row: _LogRow, kept: Mapping[int, _Kept]) -> Iterator[Finding]:
        where = self._where(row)
        there = kept.get(row.version)
        if there is None:
            yield wrong("an event of the log that its stream does not have", where)
            return
        partition_key, offset, columns = there
        if columns != row.columns:
            yield wrong("an event that is another one in its stream than in the log", where)
            if not is_sealed(columns):
                yield wrong("an event of a stream that does not match its checksum", where)
        if offset != row.offset and (offset is not None or row.offset <= self._settled):
            yield wrong("an event whose stream says that it lies elsewhere in the log, or nowhere", where)
        if self._log.partition_of(partition_key or row.stream) != self._part:
            yield wrong("an event in another partition than its stream", where)
        _, before, _ = kept.get(row.version - 1, (None, None, None))
        if before is not None and before >= row.offset:
            yield wrong("events of a stream that are not in their order in the log", where)

    def _where(self, row: _LogRow) -> str:
        return f"{row.stream} version {row.version}, partition {self._part}, offset {row.offset}"


def is_sealed(columns: EventColumns) -> bool:
    """Whether an event is the one that was written."""
    version, _, time, event_id, type, schema, data, context, topic, _, sum, *_ = columns
    return seal(version, time, event_id, type, schema, topic or None, context, data) == sum


def _columns(row: Row) -> EventColumns:
    return cast("EventColumns", row)

"""CommandLog: records of committed commands lie with their events in the log; those of refused ones in a table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from heapq import merge
from typing import Final, cast

from headwater.domain.append import CommandRecord
from headwater.domain.version import check_count
from headwater.engines.cassandra.appending.pending import Pending
from headwater.engines.cassandra.copying.copied_records import RECORDS
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.event_rows import first_cells
from headwater.engines.sql.command_rows import CommandRow, command_row, record_of
from headwater.errors import InvalidVersion
from headwater.ports.clock import Clock

__all__ = ["CassandraCommandLog"]

_ROWS: Final = 1_000
_DAY: Final = 86_400_000_000
"""In microseconds."""


class CassandraCommandLog:
    """Of a command that committed to two streams, the one that came later into the log is found by its id."""

    def __init__(self, session: Session, log: CassandraLog, unsettled: Pending, clock: Clock, patience: float) -> None:
        self._session = session
        self._log = log
        self._unsettled = unsettled
        self._clock = clock
        self._patience = patience
        self._shape = Shape()

    def start(self, shape: Shape) -> None:
        """Look at a store of this shape."""
        self._shape = shape

    async def find(self, command_id: str) -> CommandRecord | None:
        committed = await self._find_committed(command_id)
        if committed is None:
            await self._unsettled.wait_for_all(self._patience)
            committed = await self._find_committed(command_id)
        return committed or await self._find_refused(command_id)

    async def find_like(self, record: CommandRecord) -> CommandRecord | None:
        """What is kept under the id of a record, be it a refusal only if the record is one."""
        committed = await self._find_committed(record.id)
        return committed or (None if record.error is None else await self._find_refused(record.id))

    async def record(self, record: CommandRecord) -> None:
        if await self._find_committed(record.id) is None:
            await self.keep(record, self._clock.micros())

    async def keep(self, record: CommandRecord, timestamp: int) -> None:
        """Keep a refused command, of which nothing is kept or another refusal."""
        await self._session.write(("write_refusal", command_row(record, record.writes, timestamp)))
        await self._session.write(("write_refusal_time", (timestamp // _DAY, timestamp, record.id)))

    async def list(self, limit: int, name: str | None = None, refused: bool | None = None) -> Sequence[CommandRecord]:
        if check_count(limit, "limit") == 0:
            return []
        await self._unsettled.wait_for_all(self._patience)
        newest = list[Sequence[CommandRecord]]()
        if refused is not True:
            newest += await asyncio.gather(*[self._newest_committed(part, limit, name) for part in self._parts])
        if refused is not False:
            newest.append(await self._newest_refused(limit, name))
        return list(merge(*newest, key=_time, reverse=True))[:limit]

    async def all(self, page: int = 1_000) -> AsyncIterator[Sequence[CommandRecord]]:
        if check_count(page, "page") == 0:
            raise InvalidVersion("a page has 1 record or more, got 0")
        await self._unsettled.wait_for_all(self._patience)
        sources = [self._committed(part) for part in self._parts]
        async for records in _pages(_merged([*sources, self._refused()]), page):
            yield records

    # -- committed ---------------------------------------------------------------

    @property
    def _parts(self) -> Sequence[int]:
        return RECORDS, *range(self._log.partitions)

    async def _find_committed(self, id: str) -> CommandRecord | None:
        place = await self._session.row("find_command_place", id)
        if place is None:
            return None
        part, offset = cast("tuple[int, int]", place)
        row = await self._session.row("read_log_first", part, self._shape.bucket_of(offset), offset)
        return None if row is None else first_cells(cast("bytes", row[0])).command

    async def _newest_committed(self, part: int, limit: int, name: str | None) -> Sequence[CommandRecord]:
        found, end = list[CommandRecord](), await self._log.end(part)
        while end > 0 and len(found) < limit:
            bucket = self._shape.bucket_of(end - 1)
            start = max(self._shape.bucket_start(bucket), end - _ROWS)
            found += [each for each in reversed(await self._records(part, start, end)) if name in (None, each.name)]
            end = start
        return found[:limit]

    async def _committed(self, part: int) -> AsyncIterator[CommandRecord]:
        start, end = 0, await self._log.end(part)
        while start < end:
            bucket = self._shape.bucket_of(start)
            stop = min(end, start + _ROWS, self._shape.bucket_start(bucket + 1))
            for record in await self._records(part, start, stop):
                yield record
            start = stop

    async def _records(self, part: int, start: int, stop: int) -> Sequence[CommandRecord]:
        """Of one bucket."""
        rows = await self._session.rows("read_log_firsts", part, self._shape.bucket_of(start), start, stop)
        commands = [first_cells(first).command for (first,) in cast("list[tuple[bytes]]", rows) if first]
        return [command for command in commands if command is not None]

    # -- refused -----------------------------------------------------------------

    async def _find_refused(self, id: str) -> CommandRecord | None:
        row = await self._session.row("find_refusal", id)
        return None if row is None else record_of(cast("CommandRow", row))

    async def _days(self) -> Sequence[int]:
        return sorted(cast("int", day) for (day,) in await self._session.rows("list_refusal_days"))

    async def _refused_on(self, day: int) -> Sequence[CommandRecord]:
        """Those that were refused last on this day and have not committed since, the newest first."""
        found = list[CommandRecord]()
        for timestamp, id in cast("list[tuple[int, str]]", await self._session.rows("list_refusals", day)):
            record = await self._find_refused(id)
            if record is not None and record.timestamp == timestamp and await self._find_committed(id) is None:
                found.append(record)
        return found

    async def _newest_refused(self, limit: int, name: str | None) -> Sequence[CommandRecord]:
        found = list[CommandRecord]()
        for day in reversed(await self._days()):
            found += [record for record in await self._refused_on(day) if name in (None, record.name)]
            if len(found) >= limit:
                break
        return found[:limit]

    async def _refused(self) -> AsyncIterator[CommandRecord]:
        for day in await self._days():
            for record in sorted(await self._refused_on(day), key=lambda each: (each.timestamp, each.id)):
                yield record


def _time(record: CommandRecord) -> int:
    return record.timestamp


async def _merged(sources: Sequence[AsyncIterator[CommandRecord]]) -> AsyncIterator[CommandRecord]:
    """By time, and at one time by their sources' order."""
    heads = [(await anext(source, None), source) for source in sources]
    while found := [(head, nth) for nth, (head, _) in enumerate(heads) if head is not None]:
        record, nth = min(found, key=lambda each: (each[0].timestamp, each[1]))
        yield record
        source = heads[nth][1]
        heads[nth] = await anext(source, None), source


async def _pages(records: AsyncIterator[CommandRecord], size: int) -> AsyncIterator[Sequence[CommandRecord]]:
    page = list[CommandRecord]()
    async for record in records:
        page.append(record)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page

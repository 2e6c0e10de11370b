"""Verification: the log, its streams, everything that is told of them, and the orders of read models, by pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, cast

import msgspec

from headwater.domain.stream import StreamId
from headwater.engines.cassandra.copying.copied_records import RECORDS
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.protocol.rows import Count
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Row, Session
from headwater.engines.cassandra.tables.event_rows import first_cells
from headwater.engines.cassandra.together import all_of
from headwater.engines.cassandra.verifying.chunk_verification import ChunkVerification
from headwater.engines.cassandra.verifying.log_verification import LogVerification
from headwater.engines.cassandra.verifying.order_verification import OrderVerification
from headwater.engines.sql.checksum import snapshot_checksum
from headwater.engines.sql.event_walk import wrong
from headwater.ports.admin import Finding
from headwater.ports.event_store import EventStore
from headwater.ports.unique_keys import HeldKey, UniqueKeys

__all__ = ["Verification"]

_PAGE: Final = 500
_SNAPSHOTS: Final = 100


class Verification:
    """One walk over a store, whoever uses it meanwhile."""

    def __init__(
        self,
        session: Session,
        log: CassandraLog,
        events: EventStore,
        unique_keys: UniqueKeys,
        shape: Shape,
        patience: float,
    ) -> None:
        self._session = session
        self._log = log
        self._events = events
        self._unique_keys = unique_keys
        self._shape = shape
        self._patience = patience
        self.checked = 0
        """Events checked so far."""

    async def steps(self) -> AsyncIterator[Sequence[Finding]]:
        """What each piece of the walk shows."""
        settled = 0
        for part in range(self._log.partitions):
            row = await self._session.row("read_settled", part)
            end = cast("int", row[0]) if row is not None and row[0] is not None else -1
            settled += end + 1
            async for findings in self._partition(part, end):
                yield findings
        chunks = ChunkVerification(self._session, self._shape, self._patience)
        async for findings in chunks.steps():
            yield findings
        ends = sum([await self._log.end(part) for part in range(self._log.partitions)])
        if not settled <= chunks.placed <= ends:
            yield [wrong("streams have other events in the log than there are", f"{chunks.placed:,} of {ends:,}")]
        async for findings in self._records():
            yield findings
        async for findings in self._keys():
            yield findings
        async for rows in self._session.pages("verify_snapshots", page=_SNAPSHOTS):
            found = await all_of([self._of_snapshot(row) for row in rows])
            yield [finding for findings in found for finding in findings]
        async for findings in OrderVerification(self._session).steps():
            yield findings

    # -- the log and what is counted of it ---------------------------------------------

    async def _partition(self, part: int, settled: int) -> AsyncIterator[Sequence[Finding]]:
        rows = cast("list[tuple[str, int, int]]", await self._session.rows("read_counts", part))
        counts = {category: Count(streams, offset) for category, streams, offset in rows}
        log, before = LogVerification(self._session, self._log, self._shape, part, settled, counts), self.checked
        async for findings in log.steps():
            self.checked = before + log.checked
            yield findings
        for category in sorted({*log.counted, *counts}):
            count = counts.get(category, Count(0, -1))
            if count.streams != log.counted[category]:
                yield [wrong("a category counts other streams than there are", f"{category}, partition {part}")]
            async for findings in self._names(part, category, log.begun[category]):
                yield findings

    async def _names(self, part: int, category: str, begun: int) -> AsyncIterator[Sequence[Finding]]:
        listed = 0
        async for names in self._session.pages("verify_names", part, category):
            listed += len(names)
            found = await all_of([self._begins(part, cast("str", name)) for (name,) in names])
            yield [
                wrong("a name of a stream that is not there", f"{name}, partition {part}")
                for (name,), is_there in zip(names, found, strict=True)
                if not is_there
            ]
        if listed < begun:
            where = f"{category}, partition {part}, {listed:,} of {begun:,}"
            yield [wrong("a category that does not name all its streams", where)]

    async def _begins(self, part: int, stream: str) -> bool:
        """Whether a stream begins in a partition."""
        row = await self._session.row("find_offset", stream, 0, 1)
        return row is not None and row[1] is not None and self._log.partition_of(cast("str", row[0]) or stream) == part

    # -- beside it -------------------------------------------------------------------

    async def _records(self) -> AsyncIterator[Sequence[Finding]]:
        """The records of commands that were copied."""
        start, end = 0, await self._log.end(RECORDS)
        while start < end:
            stop = min(end, start + _PAGE, self._shape.bucket_start(self._shape.bucket_of(start) + 1))
            place = RECORDS, self._shape.bucket_of(start), start, stop
            rows = await self._session.rows("read_log_firsts", *place)
            if len(rows) < stop - start:
                yield [wrong("records of copied commands are missing", f"{start} to {stop}")]
            found = await all_of([self._is_record(cast("bytes", first)) for (first,) in rows])
            if not all(found):
                yield [wrong("a damaged record of a copied command", f"{start} to {stop}")]
            start = stop

    async def _is_record(self, first: bytes) -> bool:
        """Whether it can be read, and found by its id."""
        try:
            command = first_cells(first).command
        except msgspec.MsgspecError:
            return False
        return command is not None and await self._session.row("find_command_place", command.id) is not None

    async def _keys(self) -> AsyncIterator[Sequence[Finding]]:
        after = None
        while held := await self._unique_keys.held(after, _PAGE):
            found = await all_of([self._head(each) for each in held])
            yield [
                wrong("a unique key held by no stream", f"{each.key.scope} {each.key.value}")
                for each, head in zip(held, found, strict=True)
                if not head
            ]
            after = held[-1].key

    async def _head(self, held: HeldKey) -> int:
        return await self._events.head(StreamId.parse(held.stream)) if held.stream is not None else 0

    async def _of_snapshot(self, row: Row) -> list[Finding]:
        stream, version, state, checksum = cast("tuple[str, int | None, bytes, int]", row)
        if version is None:
            return []
        if checksum != snapshot_checksum(version, state):
            what = "a damaged snapshot: it is ignored, and made anew"
            return [Finding(severity="warning", what=what, where=stream)]
        if version > await self._events.head(StreamId.parse(stream)):
            return [wrong("a snapshot ahead of its stream", stream)]
        return []

"""Chunk verification: what each chunk of a stream says of itself against what there is, in the log or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final, TypeAlias, cast

from headwater.engines.cassandra.protocol.rows import ChunkKey
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.event_rows import EventColumns
from headwater.engines.cassandra.together import all_of
from headwater.engines.cassandra.verifying.log_verification import is_sealed
from headwater.engines.sql.event_walk import wrong
from headwater.ports.admin import Finding

__all__ = ["ChunkVerification"]

_KEPT: Final = 10_000
_PAUSE: Final = 0.2
"""Seconds between two looks whether events have come into the log."""

_Chunk: TypeAlias = tuple[int | None, int | None, int, int | None, int | None, int]
"""Head, logged; how many events there are, the first, the last; how many know where they lie."""


class ChunkVerification:
    def __init__(self, session: Session, shape: Shape, patience: float) -> None:
        """`patience` in seconds is for what is on its way into the log."""
        self._session = session
        self._shape = shape
        self._patience = patience
        self._unlogged: dict[ChunkKey, int] = {}
        self.placed = 0
        """Events that know where they lie in the log."""

    async def steps(self) -> AsyncIterator[Sequence[Finding]]:
        """What is wrong with some thousands of chunks at a time; in the end, what the log should have by now."""
        async for keys in self._session.pages("verify_chunks"):
            found = await all_of([self._of_chunk(cast("ChunkKey", key)) for key in keys])
            yield [finding for findings in found for finding in findings]
        ends_at = time.monotonic() + self._patience
        while (late := await self._late()) and time.monotonic() < ends_at:  # noqa: ASYNC110 - others log them
            await asyncio.sleep(_PAUSE)
        what = "events that have yet to come into the log: see `headwater doctor` for what keeps them"
        yield [Finding(severity="warning", what=what, where=stream) for stream in sorted(late)]

    async def _of_chunk(self, key: ChunkKey) -> list[Finding]:
        found = await self._look(key)
        if (said := [*self._of_events(key, found)]) or not await self._follows(key, found):
            found = await self._look(key, serially=True)  # decided, and not visible a moment ago
            said = [*self._of_events(key, found)]
            if not await self._follows(key, found):
                said.append(wrong("versions with a hole before a chunk: events are missing", _where(key)))
        head, logged, *_, placed = found
        self.placed += placed
        if (head or 0) > (logged or 0):
            said += await self._of_unlogged(key, found)
        return said

    async def _look(self, key: ChunkKey, serially: bool = False) -> _Chunk:
        row = await self._session.row("verify_chunk", *key, serially=serially)
        return cast("_Chunk", row or (None, None, 0, None, None, 0))

    def _of_events(self, key: ChunkKey, found: _Chunk) -> Iterator[Finding]:
        head, logged, events, first, last, placed = found
        where = _where(key)
        if head is None:
            if events:
                yield wrong("events of a stream that says it has none", where)
            return
        first, last = first or 1, last or 0
        if events != last - first + 1:
            yield wrong("versions with a hole: an event is missing", where)
        if last != head:
            yield wrong("a stream that does not end where it says", where)
        if self._shape.chunk_of(first - 1) != key[1]:
            yield wrong("an event in another chunk than its version", where)
        if (logged or 0) > head or placed != max(0, (logged or 0) - first + 1):
            yield wrong("other events in the log than a stream says", where)

    async def _follows(self, key: ChunkKey, found: _Chunk) -> bool:
        """Whether a chunk begins where the one before ends."""
        stream, chunk = key
        first = found[3]
        if first is None:
            return True
        if chunk == 0:
            return first == 1
        before = await self._session.row("read_statics", stream, chunk - 1)
        return before is not None and before[0] == first - 1

    async def _of_unlogged(self, key: ChunkKey, found: _Chunk) -> list[Finding]:
        head, logged, *_ = found
        if len(self._unlogged) < _KEPT:
            self._unlogged[key] = cast("int", head)
        rows = await self._session.rows("verify_rows", *key, (logged or 0) + 1, head)
        events = [cast("EventColumns", row[2:]) for row in rows if row[3] is not None]
        what = "an event of a stream that does not match its checksum"
        return [wrong(what, f"{_where(key)}, version {event[0]}") for event in events if not is_sealed(event)]

    async def _late(self) -> set[str]:
        """Streams with events that were there when they were looked at, and are still not in the log."""
        keys = list(self._unlogged)
        statics = await all_of([self._session.row("read_statics", *key) for key in keys])
        for key, row in zip(keys, statics, strict=True):
            if row is not None and cast("int", row[4] or 0) >= self._unlogged[key]:
                del self._unlogged[key]
        return {stream for stream, _ in self._unlogged}


def _where(key: ChunkKey) -> str:
    stream, chunk = key
    return stream if chunk == 0 else f"{stream}, chunk {chunk}"

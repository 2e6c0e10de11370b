"""Admin: counts, and a look at every event."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from heapq import nsmallest
from typing import Final

from headwater.domain.version import check_count
from headwater.engines.memory.state import Part, State, Stream
from headwater.ports.admin import Finding, StoreInfo, StreamInfo

__all__ = ["FORMAT", "MemoryAdmin"]

FORMAT: Final = 1
_PAUSE: Final = 1_000
"""Events checked between two chances for others to run."""


class MemoryAdmin(Part):
    def __init__(self, state: State, store_id: str) -> None:
        super().__init__(state)
        self._store_id = store_id

    async def info(self) -> StoreInfo:
        state = self._state
        return StoreInfo(
            engine="memory",
            store_id=self._store_id,
            format=FORMAT,
            partitions=len(state.log),
            events=len(state.event_ids),
            streams=len(state.streams),
            size_bytes=state.size_bytes,
        )

    async def streams(self, after: str = "", limit: int = 100, category: str | None = None) -> Sequence[StreamInfo]:
        check_count(limit, "limit")
        streams = self._state.streams
        prefix = "" if category is None else f"{category}-"
        page = nsmallest(limit, (name for name in streams if name > after and name.startswith(prefix)))
        return [_stream_info(name, streams[name]) for name in page]

    async def verify(self) -> AsyncIterator[Finding | int]:
        state = self._state
        checked = 0
        for partition, log in enumerate(state.log):
            for offset, event in enumerate(log):
                if (event.partition, event.offset) != (partition, offset):
                    yield Finding(severity="error", what="an event at another offset than its own", where=event.stream)
                checked += 1
                if checked % _PAUSE == 0:
                    await asyncio.sleep(0)
                    yield checked
        for finding in _miscounts(state):
            yield finding
        yield checked

    async def doctor(self) -> Sequence[Finding]:
        return [Finding(severity="warning", what="this store is gone when its process ends: use it for tests only")]


def _stream_info(name: str, stream: Stream) -> StreamInfo:
    return StreamInfo(
        stream=name,
        version=len(stream.events),
        last_timestamp=stream.events[-1].timestamp,
        partition_key=None if stream.key == name else stream.key,
    )


def _miscounts(state: State) -> Iterator[Finding]:
    for name, stream in state.streams.items():
        if [event.version for event in stream.events] != list(range(1, len(stream.events) + 1)):
            yield Finding(severity="error", what="versions with a hole", where=name)
    if Counter(name.partition("-")[0] for name in state.streams) != state.categories:
        yield Finding(severity="error", what="a category counts other streams than there are")

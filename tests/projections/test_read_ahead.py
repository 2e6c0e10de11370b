"""Reading ahead changes when pages are read, never what is in them."""

from __future__ import annotations

import pytest

from headwater.domain.stream import StreamId
from headwater.engines.memory.engine import MemoryEngine
from headwater.errors import StoreClosed
from headwater.ports.log import LogFilter, LogPage
from headwater.projections.read_ahead import ReadAhead
from headwater.testing.controls import append_of


class Recording:
    """A log that remembers where it was read."""

    def __init__(self, engine: MemoryEngine) -> None:
        self._log = engine.log
        self.partitions = 1
        self.starts: list[int] = []

    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        self.starts.append(start)
        return await self._log.read(partition, start, limit, only)

    async def head(self, partition: int) -> int:
        return await self._log.head(partition)

    def partition_of(self, key: str) -> int:
        return self._log.partition_of(key)

    async def offset_of(self, stream: str, version: int) -> tuple[int, int] | None:
        return await self._log.offset_of(stream, version)


@pytest.fixture
async def engine() -> MemoryEngine:
    engine = MemoryEngine()
    await engine.open()
    for _ in range(5):
        await engine.events.append(append_of(StreamId("user", "ann"), 2))
    return engine


async def test_pages_follow_each_other_and_a_full_one_has_the_next_read(engine: MemoryEngine) -> None:
    log = Recording(engine)
    ahead = ReadAhead(log, 0, LogFilter())
    first = await ahead.read(0, 4)
    assert log.starts == [0, 4]
    second = await ahead.read(first.next, 4)
    third = await ahead.read(second.next, 4)
    assert [event.offset for page in (first, second, third) for event in page.events] == list(range(10))
    assert log.starts == [0, 4, 8]


async def test_what_was_read_for_another_place_is_thrown_away(engine: MemoryEngine) -> None:
    ahead = ReadAhead(Recording(engine), 0, LogFilter())
    await ahead.read(0, 4)
    assert [event.offset for event in (await ahead.read(2, 1)).events] == [2]
    await ahead.read(0, 4)
    assert [event.offset for event in (await ahead.read(4, 2)).events] == [4, 5]


async def test_a_failure_ahead_is_met_by_who_reads_there(engine: MemoryEngine) -> None:
    ahead = ReadAhead(Recording(engine), 0, LogFilter())
    await ahead.read(0, 4)
    await ahead.read(4, 4)
    await engine.close()
    ahead.stop()
    with pytest.raises(StoreClosed):
        await ahead.read(8, 4)

"""The log on Cassandra under every suite of the write side, with 1 partition and with 4."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.domain.version import Exact
from headwater.engines.cassandra import open_engine
from headwater.engines.memory import MemoryEngine
from headwater.ports.engine import Engine, EngineOptions
from headwater.split import split
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.command_log import CommandLogConformance
from headwater.testing.conformance.concurrency import ConcurrencyConformance
from headwater.testing.conformance.event_store import EventStoreConformance
from headwater.testing.conformance.log import LogConformance
from headwater.testing.conformance.snapshots import SnapshotsConformance
from headwater.testing.conformance.unique_keys import UniqueKeysConformance
from headwater.testing.controls import ANN, BOB, append_of, command_of, events_of
from tests.engines.cassandra_servers import fresh_keyspace


@pytest.fixture(params=["1", "4"], ids=["1 partition", "4 partitions"])
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with fresh_keyspace(partitions=request.param) as url:
        yield url


@pytest.fixture
async def engine(url: str, clock: ManualClock) -> AsyncIterator[Engine]:
    """Its read side is in memory: these suites look at it to see that nothing of it has changed."""
    options = EngineOptions(clock=clock)
    engine = split(open_engine(url, options), MemoryEngine(1, options))
    await engine.open()
    yield engine
    await engine.close()


class TestEventStore(EventStoreConformance):
    async def test_an_event_id_of_another_stream_is_refused(self, engine: Engine) -> None:
        """Nobody looks for it: each stream is a partition of its own, and an index of ids another write for each."""
        [event] = events_of(1)
        await engine.events.append(append_of(ANN, [event]))
        await engine.events.append(append_of(BOB, [event]))
        assert [await engine.events.head(stream) for stream in (ANN, BOB)] == [1, 1]


class TestLog(LogConformance):
    pass


class TestCommandLog(CommandLogConformance):
    async def test_the_first_outcome_is_returned_whatever_the_second_would_write(self, engine: Engine) -> None:
        """A command is remembered by the stream that it has committed to."""
        first = await engine.events.append(append_of(ANN, 1, command=command_of("c1")))
        again = await engine.events.append(append_of(ANN, 3, Exact(9), command=command_of("c1")))
        assert again.writes == first.writes
        await engine.events.append(append_of(BOB, 1, command=command_of("c1")))
        assert await engine.events.head(BOB) == 1


class TestConcurrency(ConcurrencyConformance):
    pass


class TestSnapshots(SnapshotsConformance):
    pass


class TestUniqueKeys(UniqueKeysConformance):
    pass

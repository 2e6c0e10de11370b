"""Copies onto Cassandra under their suite, and the suite of what an operator asks of a store there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.domain.importing import Imported
from headwater.engines.cassandra import open_engine
from headwater.engines.memory import MemoryEngine
from headwater.ports.engine import Engine, EngineOptions
from headwater.split import split
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.admin import AdminConformance
from headwater.testing.conformance.imports import ImportsConformance, replace, stored, take
from headwater.testing.controls import ANN, BOB
from tests.engines.cassandra_servers import fresh_keyspace


@pytest.fixture(params=["1", "4"], ids=["1 partition", "4 partitions"])
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with fresh_keyspace(partitions=request.param) as url:
        yield url


@pytest.fixture
async def engine(url: str, clock: ManualClock) -> AsyncIterator[Engine]:
    """Its read side is in memory: the suite looks at it to see that nothing of it has changed."""
    options = EngineOptions(clock=clock)
    engine = split(open_engine(url, options), MemoryEngine(1, options))
    await engine.open()
    yield engine
    await engine.close()


class TestImports(ImportsConformance):
    async def test_an_event_id_that_lies_elsewhere_is_refused(self, engine: Engine) -> None:
        """Nobody looks for it, as nobody does when events are appended."""
        [ann], [bob] = stored(ANN, 1), stored(BOB, 1)
        await take(engine, ann)
        assert await take(engine, replace(bob, event_id=ann.event_id)) == Imported(1)
        assert [await engine.events.head(stream) for stream in (ANN, BOB)] == [1, 1]


class TestAdmin(AdminConformance):
    pass

"""A shop on every engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.clock import ManualClock
from tests.projections.shop import Shop, StockView
from tests.stores import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, url_of: Callable[[str], str], clock: ManualClock) -> Engine:
    return open_engine(url_of(request.param), EngineOptions(clock=clock))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def shop(engine: Engine, clock: ManualClock) -> AsyncIterator[Shop]:
    identity = await engine.open()
    await engine.read_model_schema.ensure([StockView])
    yield Shop(engine, identity, clock)
    await engine.close()

"""A shop on every engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headwater.engines.memory import MemoryEngine
from headwater.engines.sqlite import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.clock import ManualClock
from tests.projections.shop import Shop, StockView

ENGINES = ["memory", "memory, 4 partitions", "sqlite"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Engine:
    options = EngineOptions(clock=clock)
    if request.param == "sqlite":
        return open_engine(f"sqlite:///{tmp_path}/shop.db", options)
    return MemoryEngine(4 if "4" in request.param else 1, options)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def shop(engine: Engine, clock: ManualClock) -> AsyncIterator[Shop]:
    identity = await engine.open()
    await engine.read_model_schema.ensure([StockView])
    yield Shop(engine, identity, clock)
    await engine.close()

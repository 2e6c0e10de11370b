"""KnowsOthers: an engine that tells its own commits from those of others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from headwater.engines.memory.engine import MemoryEngine
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.ports.wakeups import KnowsOthers
from headwater.testing.controls import ANN, append_of
from tests.stores import on_shared_stores

LONG = 30.0
"""Seconds that no test takes."""


@pytest.fixture
async def engines(url: str) -> AsyncIterator[list[Engine]]:
    """Two on one store: as good as two processes."""
    engines = [open_engine(url, EngineOptions()) for _ in range(2)]
    async with AsyncExitStack() as stack:
        for engine in engines:
            await engine.open()
            stack.push_async_callback(engine.close)
        yield engines


def others(engine: Engine) -> int:
    assert isinstance(engine.wakeups, KnowsOthers)
    return engine.wakeups.others()


async def test_in_memory_there_are_no_others() -> None:
    engine = MemoryEngine()
    await engine.open()
    before = others(engine)
    await engine.events.append(append_of(ANN))
    assert others(engine) == before
    await engine.close()


@on_shared_stores
async def test_on_a_shared_store_only_others_count(engines: list[Engine]) -> None:
    here, there = engines
    await here.events.append(append_of(ANN))  # what was there before it is noticed now
    before = others(here)
    for _ in range(3):
        await here.events.append(append_of(ANN))
    assert others(here) == before
    for _ in range(3):
        seen, before = here.wakeups.seen(), others(here)
        await there.events.append(append_of(ANN))
        assert await here.wakeups.wait(seen, LONG) > seen
        assert others(here) > before

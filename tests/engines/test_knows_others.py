"""KnowsOthers: an engine that tells its own commits from those of others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from headwater.engines.memory.engine import MemoryEngine
from headwater.models.changes import Insert, Update
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.ports.wakeups import KnowsOthers
from headwater.testing.conformance.products import Product
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


async def changes_elsewhere(engine: Engine) -> int:
    assert isinstance(engine.wakeups, KnowsOthers)
    (changes,) = await engine.wakeups.changes_elsewhere([Product])
    return changes


async def restock(engine: Engine) -> None:
    await engine.projections.write([Update(Product, "a", {"stock": 2})])


async def test_in_memory_there_are_no_others() -> None:
    engine = MemoryEngine()
    await engine.open()
    before = others(engine)
    await engine.read_model_schema.ensure([Product])
    await engine.projections.write([Insert(Product(id="a"))])
    assert (others(engine), await changes_elsewhere(engine)) == (before, 0)
    await engine.close()


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)  # elsewhere others fill the log for us
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


@on_shared_stores
async def test_what_others_change_counts(engines: list[Engine]) -> None:
    here, there = engines
    await here.read_model_schema.ensure([Product])
    await here.projections.write([Insert(Product(id="a"))])
    counts = [await changes_elsewhere(here)]
    for writers in ([there], [there, here], [here, there], [there, there]):
        for writer in writers:
            await restock(writer)
        counts.append(await changes_elsewhere(here))
    assert counts == sorted(set(counts))


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
async def test_what_this_engine_changes_does_not(engines: list[Engine]) -> None:
    here, there = engines
    await here.read_model_schema.ensure([Product])
    await here.projections.write([Insert(Product(id="a"))])
    await restock(there)
    before = await changes_elsewhere(here)
    for _ in range(3):
        await restock(here)
        assert await changes_elsewhere(here) == before

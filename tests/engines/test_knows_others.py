"""KnowsOthers: an engine that tells its own commits from those of others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from headwater.engines.memory.engine import MemoryEngine
from headwater.engines.sqlite import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.ports.wakeups import KnowsOthers
from headwater.testing.controls import ANN, append_of

LONG = 30.0
"""Seconds that no test takes."""


@pytest.fixture
async def on_file(tmp_path: Path) -> AsyncIterator[list[Engine]]:
    engines: list[Engine] = [open_engine(f"sqlite:///{tmp_path / 'store.db'}", EngineOptions()) for _ in range(2)]
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


async def test_on_a_file_only_others_count(on_file: list[Engine]) -> None:
    here, there = on_file
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

"""Closing while appends are under way: whoever waits gets an answer, and a true one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from headwater.domain.stream import StreamId
from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import AppendOutcomeUnknown, StoreClosed
from headwater.testing.controls import append_of
from tests.engines.postgres.standing import behind, standing
from tests.engines.postgres.stores import opened
from tests.engines.servers import fresh_schema

PATIENCE = 60.0
"""Seconds that nothing here takes, unless it hangs."""
PATIENT = {"partitions": "1", "lock_timeout": "60", "deadline": "60"}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(**PATIENT) as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    async with opened(url) as engine:
        yield engine


@pytest.fixture
async def other(url: str) -> AsyncIterator[PostgresEngine]:
    async with opened(url) as engine:
        yield engine


def stream(number: int) -> StreamId:
    return StreamId("user", str(number))


def append(engine: PostgresEngine, number: int) -> asyncio.Task[object]:
    return asyncio.ensure_future(engine.events.append(append_of(stream(number))))


async def test_a_close_that_is_cancelled_is_one_all_the_same(
    engine: PostgresEngine, other: PostgresEngine, url: str
) -> None:
    """What is under way and what waits is committed, and who opens it anew finds it closed first."""
    async with standing(other, append_of(stream(0))) as stands:
        under_way = append(engine, 1)
        await behind(url, stands.session)
        waiting = [append(engine, 2), append(engine, 3)]
        closing = asyncio.create_task(engine.close())
        for _ in range(10):
            await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        with pytest.raises(StoreClosed):
            await engine.events.append(append_of(stream(4)))
        opening = asyncio.create_task(engine.open())
        stands.go_on()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(under_way, *waiting)
            await opening
            await append(engine, 4)
    assert [await engine.events.head(stream(number)) for number in range(5)] == [1] * 5


async def test_whoever_waits_when_the_loop_ends_is_told_what_became_of_it(
    engine: PostgresEngine, other: PostgresEngine, url: str
) -> None:
    """What was under way may be committed; what waited for it is not. `asyncio.run` cancels all tasks at its end."""
    async with standing(other, append_of(stream(0))) as stands:
        under_way = append(engine, 1)
        await behind(url, stands.session)
        waiting = append(engine, 2)
        appender = engine._events._appender._task
        assert appender is not None
        appender.cancel()
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(AppendOutcomeUnknown):
                await under_way
            with pytest.raises(StoreClosed):
                await waiting
        with pytest.raises(StoreClosed):
            await append(engine, 3)


async def test_an_open_that_is_cancelled_leaves_nothing_at_work(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be opened anew."""
    await engine.close()
    before = asyncio.all_tasks()
    connected, start = asyncio.Event(), engine._wakeups.start

    async def started(store_id: str) -> None:
        await start(store_id)
        connected.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(engine._wakeups, "start", started)
        opening = asyncio.create_task(engine.open())
        await connected.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert asyncio.all_tasks() <= before
    await engine.open()
    await append(engine, 1)

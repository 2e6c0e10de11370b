"""Loads and looks of many at once: whoever goes with others gets what is its own, and what was there when it asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from headwater.domain.append import Append, Write
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, NoStream
from headwater.engines.postgres import open_engine
from headwater.engines.postgres.connection import Row
from headwater.engines.postgres.engine import PostgresEngine
from headwater.engines.postgres.location import Location
from headwater.errors import StoreClosed, StoreCorrupt
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import append_of, events_of
from tests.engines.postgres.stores import opened
from tests.engines.servers import fresh_schema

MANY = 100


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="4") as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    async with opened(url) as engine:
        yield engine


def stream(number: int) -> StreamId:
    return StreamId("user", str(number))


async def fill(engine: PostgresEngine) -> None:
    """Each stream with as many events as its number says."""
    for number in range(1, MANY, 7):
        await engine.events.append(append_of(stream(number), number, NoStream()))


async def test_loads_that_wait_for_each_other_get_their_own_streams(engine: PostgresEngine) -> None:
    await fill(engine)
    alone = [await engine.events.fold_rows(stream(number)) for number in range(MANY)]
    together = await asyncio.gather(*(engine.events.fold_rows(stream(number)) for number in range(MANY)))
    assert together == alone
    assert [found.version for found in together] == [number if number % 7 == 1 else 0 for number in range(MANY)]


async def test_each_goes_on_from_where_it_stands(engine: PostgresEngine) -> None:
    await fill(engine)
    found = await asyncio.gather(*(engine.events.fold_rows(stream(92), after) for after in range(95)))
    assert [each.version for each in found] == [*[92] * 93, 92, 92]
    assert [len(each.rows) for each in found] == [max(0, 92 - after) for after in range(95)]


async def test_one_that_is_damaged_is_told_to_its_own_caller_only(engine: PostgresEngine, url: str) -> None:
    await fill(engine)
    await damage(url, str(stream(50)))
    loads = [engine.events.fold_rows(stream(number)) for number in range(MANY)]
    told = await asyncio.gather(*loads, return_exceptions=True)
    assert [number for number, each in enumerate(told) if isinstance(each, StoreCorrupt)] == [50]
    assert not [each for number, each in enumerate(told) if number != 50 and isinstance(each, BaseException)]


async def test_those_that_are_cancelled_take_nothing_from_the_others(engine: PostgresEngine) -> None:
    await fill(engine)
    loads = [asyncio.create_task(engine.events.fold_rows(stream(number))) for number in range(MANY)]
    await asyncio.sleep(0)
    for load in loads[::2]:
        load.cancel()
    found = await asyncio.gather(*loads, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in found[::2])
    assert [each.version for each in found[1::2] if not isinstance(each, BaseException)] == [
        number if number % 7 == 1 else 0 for number in range(1, MANY, 2)
    ]
    assert (await engine.events.fold_rows(stream(50))).version == 50


async def test_each_is_told_of_a_store_that_is_closed(engine: PostgresEngine) -> None:
    await engine.close()
    loads = [engine.events.fold_rows(stream(number)) for number in range(MANY)]
    told = await asyncio.gather(*loads, return_exceptions=True)
    assert all(isinstance(each, StoreClosed) for each in told)
    assert len(set(map(id, told))) == MANY
    await engine.open()
    assert (await engine.events.fold_rows(stream(1))).version == 0


async def test_readers_of_an_empty_log_find_its_end(engine: PostgresEngine) -> None:
    pages = await asyncio.gather(*(engine.log.read(partition, 0, 10) for partition in range(4)))
    assert [(page.events, page.next) for page in pages] == [([], 0)] * 4
    assert await seen(engine) == []


async def test_what_another_has_committed_is_seen_by_who_asks_then(engine: PostgresEngine, url: str) -> None:
    other = open_engine(url, EngineOptions())
    await other.open()
    names = [f"user-{number}" for number in range(MANY)]
    for number, name in enumerate(names):
        reading = asyncio.create_task(seen(engine))  # a look that is under way must not answer those who come later
        writes = (Write(stream=stream(number), expected=AnyVersion(), events=events_of(1)),)
        await other.events.append(Append(writes=writes))
        assert name in await seen(engine)
        await reading
    await other.close()
    assert sorted(await seen(engine)) == sorted(names)


async def test_a_look_that_had_begun_before_is_no_answer(
    engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has seen the log already, and is about to say so, when somebody else commits."""
    fetch, has_looked, may_say = engine._pool.fetch, asyncio.Event(), asyncio.Event()

    async def fetch_slowly(query: str, *args: object) -> Sequence[Row]:
        rows = await fetch(query, *args)
        has_looked.set()
        await may_say.wait()
        return rows

    monkeypatch.setattr(engine._pool, "fetch", fetch_slowly)
    partition = engine.log.partition_of(str(stream(0)))
    before = asyncio.create_task(engine._log.heads.may_be_beyond(partition, 0))
    await has_looked.wait()
    async with opened(url) as other:
        await other.events.append(append_of(stream(0)))
    after = [asyncio.create_task(engine._log.heads.may_be_beyond(partition, 0)) for _ in range(2)]
    await asyncio.sleep(0)
    may_say.set()
    assert await asyncio.gather(before, *after) == [False, True, True]


async def seen(engine: PostgresEngine) -> list[str]:
    """The streams of the whole log, each partition read to where it seems to end, all at once."""
    found = await asyncio.gather(*(_partition(engine, partition) for partition in range(4)))
    return [name for each in found for name in each]


async def _partition(engine: PostgresEngine, partition: int) -> list[str]:
    start, found = 0, list[str]()
    while True:
        page = await engine.log.read(partition, start, 10)
        if page.next == start:
            return found
        found += [event.stream for event in page.events]
        start = page.next


async def damage(url: str, stream: str) -> None:
    """Change what is stored, past the engine."""
    location = Location.parse(url, {})
    connection = await asyncpg.connect(location.dsn, server_settings={"search_path": location.schema})
    try:
        await connection.execute("UPDATE events SET data = 'other' WHERE stream = $1 AND version = 1", stream)
    finally:
        await connection.close()

"""Cached answers are dropped when the read models that their handlers read have changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from headwater.models.changes import Insert
from headwater.ports.engine import Engine
from headwater.ports.generations import NewGeneration
from headwater.queries.cache import Caching, QueryCache
from headwater.testing.clock import ManualClock
from tests.queries.shelves import (
    WAYS,
    Book,
    CountBooks,
    Echo,
    Hours,
    LentTitles,
    Loan,
    Moved,
    Shelves,
    running,
)


@pytest.fixture
async def shelves(engine: Engine) -> AsyncIterator[Shelves]:
    async with running(engine, caching=Caching()) as shelves:
        await shelves.put(("b1", "Emma"))
        yield shelves


def cache_of(shelves: Shelves) -> QueryCache[object]:
    assert shelves.bus.cache is not None
    return shelves.bus.cache


@pytest.mark.parametrize("way", [*WAYS, "by name"])
async def test_whatever_way_a_handler_reads(shelves: Shelves, way: str) -> None:
    query = CountBooks(way=way)
    assert [await shelves.bus.execute(query) for _ in range(3)] == [1, 1, 1]
    await shelves.put(("b2", "Persuasion"))
    assert [await shelves.bus.execute(query) for _ in range(3)] == [2, 2, 2]
    cache = cache_of(shelves)
    assert (shelves.answers.asked, cache.hits, cache.misses, cache.invalidated) == (2, 4, 2, 1)


async def test_what_it_did_not_read_may_change(shelves: Shelves) -> None:
    await shelves.title()
    await shelves.store.insert(Loan(id="l1", book="b1"))
    await shelves.title()
    assert (shelves.answers.asked, cache_of(shelves).invalidated) == (1, 0)


async def test_a_join_and_tasks_that_the_handler_starts(shelves: Shelves) -> None:
    assert await shelves.bus.execute(LentTitles()) == []
    await shelves.store.insert(Loan(id="l1", book="b1"))
    assert await shelves.bus.execute(LentTitles()) == ["Emma"]
    await shelves.store.update(Book, "b1", title="Persuasion")
    assert await shelves.bus.execute(LentTitles()) == ["Persuasion"]


async def test_a_query_that_asks_another(shelves: Shelves) -> None:
    assert await shelves.title() == "Emma"  # the inner one is a hit for the outer one
    for title in ("Persuasion", "Sanditon"):
        before = await shelves.bus.execute(Echo(id="b1"))
        assert await shelves.bus.execute(Echo(id="b1")) == before
        await shelves.store.update(Book, "b1", title=title)
        assert await shelves.bus.execute(Echo(id="b1")) == Book(id="b1", title=title)


async def test_without_read_models_only_the_time_counts(engine: Engine) -> None:
    clock = ManualClock()
    async with running(engine, caching=Caching(ttl=10), clock=clock) as shelves:
        for _ in range(3):
            await shelves.bus.execute(Hours())
            await shelves.put(("b1", "Emma"))
        assert (shelves.answers.asked, shelves.watch.listening) == (1, False)
        clock.advance(10)
        await shelves.bus.execute(Hours())
        assert shelves.answers.asked == 2


async def test_asked_to_it_only_counts_the_time(engine: Engine) -> None:
    async with running(engine, caching={"invalidate": False}) as shelves:
        await shelves.put(("b1", "Emma"))
        await shelves.title()
        await shelves.store.update(Book, "b1", title="Persuasion")
        assert (await shelves.title(), shelves.watch.listening) == ("Emma", False)


async def test_a_change_by_another_process_drops_the_answer(shared: Callable[[], Engine]) -> None:
    async with running(shared(), caching=Caching()) as here, running(shared()) as there:
        await here.put(("b1", "Emma"))
        for title in ("Persuasion", "Sanditon"):
            await here.title()
            moved = Moved(here.watch)
            await there.store.update(Book, "b1", title=title)
            await moved.told.wait()
            assert moved.models == {Book}
            assert await here.title() == title


@pytest.mark.parametrize("noticed", [True, False])
async def test_what_is_computed_while_a_change_comes_is_not_kept(shelves: Shelves, noticed: bool) -> None:
    shelves.answers.gate.close()
    before = asyncio.create_task(shelves.title())
    await shelves.answers.gate.arrived()
    await shelves.store.update(Book, "b1", title="Persuasion")
    if noticed:
        await shelves.watch.catch_up()
    after = [asyncio.create_task(shelves.title()) for _ in range(3)]
    await asyncio.sleep(0)  # they wait for the computation that has read already
    shelves.answers.gate.open()
    assert await before == "Emma"
    assert await asyncio.gather(*after) == ["Persuasion"] * 3
    assert (await shelves.title(), shelves.answers.asked) == ("Persuasion", 2)
    assert cache_of(shelves).invalidated == 1


async def test_alone_too_what_a_change_overtook_is_not_kept(shelves: Shelves) -> None:
    shelves.answers.gate.close()
    before = asyncio.create_task(shelves.title())
    await shelves.answers.gate.arrived()
    await shelves.store.update(Book, "b1", title="Persuasion")
    await shelves.watch.catch_up()
    shelves.answers.gate.open()
    assert [await before, await shelves.title()] == ["Emma", "Persuasion"]
    assert cache_of(shelves).invalidated == 1


async def test_a_rebuilt_generation_that_is_swapped_in(engine: Engine) -> None:
    async with running(engine, caching=Caching()) as shelves:
        wanted = {"projection": "books", "fingerprint": "", "key_ranges": 1, "models": [Book]}
        await engine.generations.begin(NewGeneration(version=1, **wanted))  # type: ignore[arg-type]
        await shelves.put(("b1", "Emma"))
        assert await shelves.title() == "Emma"
        new = await engine.generations.begin(NewGeneration(version=2, **wanted))  # type: ignore[arg-type]
        assert await shelves.title() == "Emma"
        assert await engine.generations.swap("books", new.number)
        assert await shelves.title() is None


@pytest.mark.parametrize("strategy", ["read-through", "write-through", "write-behind"])
async def test_with_a_row_cache_below(engine: Engine, strategy: str) -> None:
    caching = {"strategy": strategy, "flush_interval": 3600}
    async with running(engine, row_caching=caching, caching=Caching()) as shelves:
        for title in ("Emma", "Persuasion"):
            await shelves.put(("b1", title))
            assert [await shelves.title() for _ in range(2)] == [title] * 2
        assert cache_of(shelves).hits == 2


async def test_it_listens_while_answers_are_kept(engine: Engine) -> None:
    async with running(engine, caching=Caching()) as shelves:
        assert not shelves.watch.listening
        await shelves.title()
        assert shelves.watch.listening
        listener = shelves.watch._listener
        assert listener is not None
        cache_of(shelves).clear()
        await asyncio.wait([listener])
        assert not shelves.watch.listening
        await shelves.title()
        await shelves.bus.execute(Hours())
        assert shelves.watch.listening
    assert not shelves.watch.listening
    asked = shelves.answers.asked
    await shelves.bus.execute(Hours())
    assert shelves.answers.asked == asked + 1  # nothing is kept of a store that was closed


async def test_old_answers_are_not_listened_for(engine: Engine) -> None:
    clock = ManualClock()
    async with running(engine, caching=Caching(ttl=10), clock=clock) as shelves:
        await shelves.title()
        assert cache_of(shelves).watching()
        clock.advance(10)
        assert not cache_of(shelves).watching()


async def test_a_full_cache_forgets_whom_to_tell(engine: Engine) -> None:
    async with running(engine, caching=Caching(size=1)) as shelves:
        for key in ("b1", "b2"):
            await shelves.title(key)
        await shelves.put(("b1", "Emma"))
        await shelves.title()
        assert cache_of(shelves).invalidated == 1


async def test_two_buses_on_one_watch(shelves: Shelves) -> None:
    identity = await shelves.engine.open()
    other = Shelves(shelves.store, shelves.watch, shelves.engine, identity=identity, caching=Caching())
    await shelves.engine.projections.write([Insert(Book(id="b1", title="Persuasion"))])
    assert [await other.title(), await shelves.title()] == ["Persuasion"] * 2
    await shelves.engine.projections.write([Insert(Book(id="b1", title="Sanditon"))])
    assert [await other.title(), await shelves.title()] == ["Sanditon"] * 2

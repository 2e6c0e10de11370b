"""Subscription queries: the answer, and each that it becomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from headwater.errors import InvalidCursor, InvalidMessage, StoreClosed
from headwater.models.changes import Insert
from headwater.ports.engine import Engine
from headwater.queries.bus import QueryBus
from headwater.queries.cache import Caching
from headwater.queries.handler import QueryHandler
from headwater.queries.subscription import QuerySubscription
from tests.queries.shelves import Book, CountBooks, GetBook, Hours, LentTitles, Loan, Moved, Shelves, running

LONG = 3600.0
"""Seconds that no test takes."""


@pytest.fixture
async def shelves(engine: Engine) -> AsyncIterator[Shelves]:
    async with running(engine) as shelves:
        await shelves.put(("b1", "Emma"))
        yield shelves


def subscribed(shelves: Shelves, after: str | None = None) -> QuerySubscription[Book | None]:
    return shelves.bus.subscribe(GetBook(id="b1"), after=after, min_interval=0)


async def title_of(updates: QuerySubscription[Book | None]) -> str | None:
    book = (await anext(updates)).answer
    return None if book is None else book.title


async def test_the_first_answer_at_once_then_what_it_becomes(shelves: Shelves) -> None:
    titles = ["Emma", "Persuasion", "Sanditon"]
    seen: list[str] = []
    async for update in shelves.bus.subscribe(GetBook(id="b1")):
        assert update.answer is not None
        seen.append(update.answer.title)
        if seen == titles:
            break
        await shelves.store.update(Book, "b1", title=titles[len(seen)])
    assert seen == titles


async def test_a_change_comes_while_the_consumer_waits(shelves: Shelves) -> None:
    async with subscribed(shelves) as updates:
        await anext(updates)
        for title in ("Persuasion", "Sanditon"):
            waiting = asyncio.create_task(title_of(updates))
            await asyncio.sleep(0)
            await shelves.store.update(Book, "b1", title=title)
            assert await waiting == title


async def test_the_same_answer_is_not_said_twice(shelves: Shelves) -> None:
    async with subscribed(shelves) as updates:
        await anext(updates)
        await shelves.put(("b2", "Northanger Abbey"))
        waiting = asyncio.create_task(title_of(updates))
        shelves.answers.gate.close()
        await shelves.answers.gate.arrived()  # it asks again, of a model that changed
        shelves.answers.gate.open()
        await shelves.store.update(Book, "b1", title="Persuasion")
        assert await waiting == "Persuasion"


async def test_a_slow_consumer_gets_the_newest_answer_only(shelves: Shelves) -> None:
    async with subscribed(shelves) as updates:
        await anext(updates)
        for number in range(100):
            await shelves.store.update(Book, "b1", title=f"No. {number}")
        asked = shelves.answers.asked
        assert await title_of(updates) == "No. 99"
        assert shelves.answers.asked == asked + 1 == 2
        await shelves.store.update(Book, "b1", title="Emma")
        assert await title_of(updates) == "Emma"


async def test_a_change_of_any_model_of_a_join(shelves: Shelves) -> None:
    async with shelves.bus.subscribe(LentTitles(), min_interval=0) as updates:
        assert (await anext(updates)).answer == []
        await shelves.store.insert(Loan(id="l1", book="b1"))
        assert (await anext(updates)).answer == ["Emma"]
        await shelves.store.update(Book, "b1", title="Persuasion")
        assert (await anext(updates)).answer == ["Persuasion"]


async def test_between_two_askings_lies_the_interval(shelves: Shelves) -> None:
    async with shelves.bus.subscribe(GetBook(id="b1"), min_interval=LONG) as updates:
        await anext(updates)
        waiting = asyncio.create_task(anext(updates))
        for title in ("Persuasion", "Sanditon"):
            moved = Moved(shelves.watch)
            await shelves.store.update(Book, "b1", title=title)
            await moved.told.wait()
        assert (shelves.answers.asked, waiting.done()) == (1, False)
        await updates.aclose()
        with pytest.raises(StopAsyncIteration):
            await waiting


async def test_a_change_by_another_process(shared: Callable[[], Engine]) -> None:
    async with running(shared()) as here, running(shared()) as there, subscribed(here) as updates:
        assert await title_of(updates) is None
        for title in ("Emma", "Persuasion"):
            waiting = asyncio.create_task(title_of(updates))
            await there.engine.projections.write([Insert(Book(id="b1", title=title))])
            assert await waiting == title


@pytest.mark.parametrize("caching", [None, Caching()])
async def test_many_of_one_query(engine: Engine, caching: Caching | None) -> None:
    async with running(engine, caching=caching) as shelves:
        many = [subscribed(shelves) for _ in range(20)]
        for number in range(3):
            assert await asyncio.gather(*map(title_of, many)) == ([f"No. {number}"] * 20 if number else [None] * 20)
            waiting = asyncio.gather(*map(title_of, many))
            await asyncio.sleep(0)
            await shelves.put(("b1", f"No. {number + 1}.5"))
            assert await waiting == [f"No. {number + 1}.5"] * 20
            await shelves.put(("b1", f"No. {number + 1}"))
        assert shelves.answers.asked == (6 if caching else 6 * 20)


# -- going on later ------------------------------------------------------------


async def test_the_answer_that_was_seen_is_skipped(shelves: Shelves) -> None:
    cursor = (await anext(subscribed(shelves))).cursor
    async with subscribed(shelves, after=cursor) as updates:
        waiting = asyncio.create_task(title_of(updates))
        shelves.answers.gate.close()
        await shelves.answers.gate.arrived()
        shelves.answers.gate.open()
        await shelves.store.update(Book, "b1", title="Persuasion")
        assert await waiting == "Persuasion"
    assert await title_of(subscribed(shelves, after=cursor)) == "Persuasion"


async def test_going_on_in_another_process(shared: Callable[[], Engine]) -> None:
    async with running(shared()) as here, running(shared()) as there:
        await here.put(("b1", "Emma"))
        cursor = (await anext(subscribed(here))).cursor
        await here.store.update(Book, "b1", title="Persuasion")
        update = await anext(subscribed(there, after=cursor))
        assert update.answer == Book(id="b1", title="Persuasion")
        assert update.cursor != cursor
        await here.store.update(Book, "b1", title="Emma")
        assert (await anext(subscribed(there, after=update.cursor))).cursor == cursor


async def test_a_cursor_of_something_else(engine: Engine, shelves: Shelves) -> None:
    cursor = (await anext(subscribed(shelves))).cursor
    other_query = (await anext(shelves.bus.subscribe(GetBook(id="b2")))).cursor
    page = (await shelves.store.page(Book, size=1)).next_cursor
    changed = ("B" if cursor[0] == "A" else "A") + cursor[1:]
    for forged in (changed, cursor[:-4], cursor + "AAAA", other_query, "", "ä", "x", "!!!!", page or "A" * 40):
        with pytest.raises(InvalidCursor, match="was not made for this query by this store"):
            subscribed(shelves, after=forged)


# -- the end -------------------------------------------------------------------


async def test_it_ends_where_nothing_can_change_the_answer(shelves: Shelves) -> None:
    assert [update.answer async for update in shelves.bus.subscribe(Hours())] == ["9 to 5"]


async def test_an_error_of_the_handler_ends_it(shelves: Shelves) -> None:
    updates = subscribed(shelves)
    await anext(updates)
    shelves.answers.error = ValueError("no")
    await shelves.put(("b1", "Persuasion"))
    with pytest.raises(ValueError, match="no"):
        await anext(updates)
    with pytest.raises(StopAsyncIteration):
        await anext(updates)


async def test_the_store_is_closed(engine: Engine) -> None:
    async with running(engine) as shelves:
        updates = subscribed(shelves)
        await anext(updates)
        waiting = asyncio.create_task(anext(updates))
        await asyncio.sleep(0)
    with pytest.raises(StoreClosed, match="subscribe again with after="):
        await waiting


async def test_a_consumer_that_gives_up_loses_nothing(shelves: Shelves) -> None:
    updates = subscribed(shelves)
    shelves.answers.gate.close()
    for asked in (1, 2):  # before the first answer, and before the next
        waiting = asyncio.create_task(anext(updates))
        await shelves.answers.gate.arrived()
        waiting.cancel()
        await asyncio.wait([waiting])
        shelves.answers.gate.held = 0
        shelves.answers.gate.open()
        assert await title_of(updates) == f"{'Emma' if asked == 1 else 'Persuasion'}"
        shelves.answers.gate.close()
        await shelves.put(("b1", "Persuasion"))


async def test_it_can_be_ended_while_it_asks(shelves: Shelves) -> None:
    updates = subscribed(shelves)
    shelves.answers.gate.close()
    waiting = asyncio.create_task(anext(updates))
    await shelves.answers.gate.arrived()
    await updates.aclose()
    shelves.answers.gate.open()
    with pytest.raises(StopAsyncIteration):
        await waiting


class Opaque(QueryHandler):
    async def count_books(self, way: str) -> object:
        return object()


async def test_what_cannot_be_compared(shelves: Shelves) -> None:
    bus = QueryBus([Opaque()], watch=shelves.watch, identity=await shelves.engine.open(), queries=[CountBooks])
    with pytest.raises(InvalidMessage, match="an answer of type object cannot be compared"):
        await anext(bus.subscribe(CountBooks(way="find")))

"""What a bus sees to when a query is subscribed to: middleware, tokens, how many there may be."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from headwater.commands.authorization import AuthorizationMiddleware
from headwater.domain.registry import Registry
from headwater.domain.token import Token
from headwater.errors import ConsistencyTimeout, InvalidInput, MissingHandler, NotAuthorized, StoreBusy
from headwater.limits import Limits
from headwater.ports.engine import Engine
from headwater.ports.middleware import CallNext
from headwater.queries.bus import QueryBus
from headwater.queries.cache import Caching
from tests.queries.shelves import Answers, Book, CountBooks, Echo, GetBook, Hours, LentTitles, Loan, Shelves, running

QUERY = GetBook(id="b1")


@pytest.fixture
async def shelves(engine: Engine) -> AsyncIterator[Shelves]:
    async with running(engine, registry=Registry(Limits(subscriptions=2))) as shelves:
        yield shelves


async def test_no_more_than_the_limit_run_at_once(shelves: Shelves) -> None:
    first, second = shelves.bus.subscribe(QUERY), shelves.bus.subscribe(Hours())
    with pytest.raises(StoreBusy, match=r"2 subscriptions are running: .* Limits\(subscriptions=...\)"):
        shelves.bus.subscribe(QUERY)
    await first.aclose()
    third = shelves.bus.subscribe(QUERY)
    with pytest.raises(StoreBusy):
        shelves.bus.subscribe(QUERY)
    assert [update.answer async for update in second] == ["9 to 5"]  # it has come to its end
    await anext(shelves.bus.subscribe(QUERY))  # nobody keeps it
    gc.collect()
    await anext(shelves.bus.subscribe(QUERY))
    await third.aclose()


async def test_nobody_listens_for_a_subscription_that_has_ended(shelves: Shelves) -> None:
    async with shelves.bus.subscribe(QUERY) as updates:
        await anext(updates)
        assert shelves.watch.listening
        listener = shelves.watch._listener
        assert listener is not None
    await asyncio.wait([listener])
    assert not shelves.watch.listening


async def test_middleware_is_around_every_asking(engine: Engine) -> None:
    seen: list[object] = []

    async def note(message: object, call_next: CallNext) -> object:
        seen.append(message)
        return await call_next(message)

    async with running(engine, middleware=[note], caching=Caching()) as shelves:
        async with shelves.bus.subscribe(QUERY, min_interval=0) as updates:
            for title in ("Emma", "Persuasion"):
                await anext(updates)
                await shelves.put(("b1", title))
        assert seen == [QUERY] * 2


async def test_who_is_no_longer_allowed_gets_no_update(engine: Engine) -> None:
    allowed = True

    def policy(message: object, context: object) -> bool:
        return allowed

    middleware = [AuthorizationMiddleware(dict.fromkeys((GetBook, CountBooks, LentTitles, Hours, Echo), policy))]
    async with running(engine, middleware=middleware) as shelves:
        updates = shelves.bus.subscribe(QUERY, min_interval=0)
        await anext(updates)
        allowed = False
        await shelves.put(("b1", "Emma"))
        with pytest.raises(NotAuthorized):
            await anext(updates)
        with pytest.raises(StopAsyncIteration):
            await anext(updates)


async def test_what_middleware_reads_counts_too(engine: Engine) -> None:
    shelves: Shelves

    async def members_only(message: object, call_next: CallNext) -> object:
        if not await shelves.store.exists(Loan, id="card"):
            raise NotAuthorized("no card")
        return await call_next(message)

    async with running(engine, middleware=[members_only]) as opened:
        shelves = opened
        await shelves.store.insert(Loan(id="card"))
        updates = shelves.bus.subscribe(QUERY)
        await anext(updates)
        waiting = asyncio.create_task(anext(updates))
        await asyncio.sleep(0)
        await shelves.store.delete(Loan, "card")
        with pytest.raises(NotAuthorized):
            await waiting


class Waits:
    """Waits for nothing, and notes it was asked; the first time it is too early."""

    def __init__(self) -> None:
        self.waited: list[object] = []

    async def wait_at_least(self, token: Token | str, projections: Sequence[object], timeout: float) -> None:
        self.waited.append((token, projections, timeout))
        if len(self.waited) == 1:
            raise ConsistencyTimeout(token, "books", timeout)


async def test_at_least_is_for_the_first_answer(engine: Engine) -> None:
    async with running(engine, waiter=(waits := Waits()), caching=Caching(invalidate=False)) as shelves:
        await shelves.title()
        await shelves.put(("b1", "Emma"))
        assert await shelves.title() is None  # cached, whatever has changed
        updates = shelves.bus.subscribe(QUERY, at_least="token", wait_for=["books"], wait_timeout=3, min_interval=0)
        with pytest.raises(ConsistencyTimeout):
            await anext(updates)
        updates = shelves.bus.subscribe(QUERY, at_least="token", wait_for=["books"], wait_timeout=3, min_interval=0)
        assert (await anext(updates)).answer == Book(id="b1", title="Emma")
        await shelves.put(("b1", "Persuasion"))
        assert (await anext(updates)).answer == Book(id="b1", title="Persuasion")
        assert waits.waited == [("token", ["books"], 3)] * 2


async def test_at_least_goes_past_what_is_cached(shared: Callable[[], Engine]) -> None:
    waits = Waits()
    waits.waited.append("too early")
    async with running(shared(), waiter=waits, caching=Caching()) as here, running(shared()) as there:
        for title in ("Emma", "Persuasion", "Sanditon"):
            await here.title()
            await there.put(("b1", title))
            update = await anext(here.bus.subscribe(QUERY, at_least="token"))
            assert update.answer == Book(id="b1", title=title)


async def test_a_mapping(shelves: Shelves) -> None:
    await shelves.put(("b1", "Emma"))
    update = await anext(shelves.bus.subscribe({"type": "GetBook", "params": {"id": "b1"}}))
    assert update.answer == Book(id="b1", title="Emma")


async def test_what_cannot_be_subscribed_to(shelves: Shelves) -> None:
    with pytest.raises(MissingHandler, match="no handler answers 'Unknown'"):
        shelves.bus.subscribe({"type": "Unknown"})
    for interval in (-1, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="min_interval= takes a number of seconds"):
            shelves.bus.subscribe(QUERY, min_interval=interval)
    alone = QueryBus([Answers()], injector=shelves.bus._injector)
    with pytest.raises(MissingHandler, match="runs alone and hears of no changes"):
        alone.subscribe(QUERY)

"""Answers kept for a while, each computed once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from headwater.domain.token import Token
from headwater.errors import InvalidInput, InvalidMessage, NotAuthorized
from headwater.handling.injection import Injector
from headwater.ports.middleware import CallNext
from headwater.queries.bus import QueryBus
from headwater.queries.cache import Caching, QueryCache
from headwater.testing.clock import ManualClock
from tests.queries.library import Books, FindBook, Shelf


class Source:
    """Computes when told to go on."""

    def __init__(self) -> None:
        self.calls = 0
        self.go = asyncio.Event()
        self.error: BaseException | None = None

    async def __call__(self) -> int:
        self.calls += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return self.calls


def cache(clock: ManualClock | None = None, **options: Any) -> QueryCache[int]:
    return QueryCache(Caching(**options), clock or ManualClock())


@pytest.fixture
def source() -> Source:
    source = Source()
    source.go.set()
    return source


@pytest.mark.parametrize("ttl", [10, 10.0, timedelta(seconds=10)])
async def test_time_to_live(source: Source, ttl: float | timedelta) -> None:
    clock = ManualClock()
    kept = cache(clock, ttl=ttl)
    assert [await kept.get("k", source), await kept.get("k", source)] == [1, 1]
    clock.advance(9.999_999)
    assert await kept.get("k", source) == 1
    clock.advance(0.000_001)
    assert await kept.get("k", source) == 2
    assert (kept.hits, kept.misses) == (2, 2)


async def test_the_least_recently_used_goes_first(source: Source) -> None:
    kept = cache(size=2)
    for key in ("a", "b", "a", "c", "a", "b"):
        await kept.get(key, source)
    assert (source.calls, kept.hits, kept.misses) == (4, 2, 4)


async def test_asked_at_once_it_is_computed_once() -> None:
    source, kept = Source(), cache()
    asking = [asyncio.create_task(kept.get("k", source)) for _ in range(10)]
    await asyncio.sleep(0)
    source.go.set()
    assert await asyncio.gather(*asking) == [1] * 10
    assert (source.calls, kept.hits, kept.misses) == (1, 9, 1)


async def test_an_error_reaches_all_and_is_not_kept() -> None:
    source, kept = Source(), cache()
    source.error = ValueError("no")
    asking = [asyncio.create_task(kept.get("k", source)) for _ in range(3)]
    await asyncio.sleep(0)
    source.go.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no"] * 3
    source.error = None
    assert await kept.get("k", source) == 2


async def test_one_that_is_cancelled_does_not_cancel_the_others() -> None:
    source, kept = Source(), cache()
    asking = [asyncio.create_task(kept.get("k", source)) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.wait([asking[0]])
    source.go.set()
    assert await asyncio.gather(*asking[1:]) == [2, 2]
    assert asking[0].cancelled()


async def test_one_that_waits_can_be_cancelled_alone() -> None:
    source, kept = Source(), cache()
    asking = [asyncio.create_task(kept.get("k", source)) for _ in range(2)]
    await asyncio.sleep(0)
    asking[1].cancel()
    await asyncio.wait([asking[1]])
    source.go.set()
    assert await asking[0] == 1
    assert asking[1].cancelled()


async def test_clear(source: Source) -> None:
    kept = cache()
    await kept.get("k", source)
    kept.clear()
    assert await kept.get("k", source) == 2


async def test_what_is_computed_while_the_cache_is_cleared_is_not_kept() -> None:
    source, kept = Source(), cache()
    asking = [asyncio.create_task(kept.get("k", source)) for _ in range(2)]
    await asyncio.sleep(0)
    kept.clear()
    asking.append(asyncio.create_task(kept.get("k", source)))
    await asyncio.sleep(0)
    assert source.calls == 2
    source.go.set()
    await asyncio.gather(*asking)
    kept.clear()
    await kept.get("k", source)
    assert (source.calls, kept.misses) == (3, 3)


async def test_middleware_sees_what_the_cache_answers() -> None:
    seen: list[object] = []

    class Guard:
        async def __call__(self, message: object, call_next: CallNext) -> object:
            seen.append(message)
            if len(seen) == 3:
                raise NotAuthorized("not any more")
            return await call_next(message)

    injector = Injector()
    injector.provide(Shelf, Shelf())
    bus = QueryBus([Books()], [Guard()], caching=Caching(), injector=injector)
    assert [await bus.execute(FindBook(id="b1")) for _ in range(2)] == ["Emma"] * 2
    with pytest.raises(NotAuthorized):
        await bus.execute(FindBook(id="b1"))
    assert bus.cache is not None
    assert (bus.cache.hits, bus.cache.misses) == (1, 1)


@pytest.mark.parametrize("options", [{"ttl": 0}, {"ttl": -1}, {"size": 0}, {"ttl": timedelta(0)}])
def test_options_that_cannot_work(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="a ttl above 0 and a size of at least 1"):
        Caching(**options)


class Waits:
    """Waits for nothing, and notes it was asked."""

    def __init__(self) -> None:
        self.waited: list[object] = []

    async def wait_at_least(self, token: Token | str, projections: Sequence[object], timeout: float) -> None:
        self.waited.append(token)


def bus_with(shelf: Shelf, **options: Any) -> QueryBus:
    injector = Injector()
    injector.provide(Shelf, shelf)
    return QueryBus([Books()], injector=injector, **options)


async def test_on_a_bus_each_question_has_its_key() -> None:
    bus = bus_with(shelf := Shelf(), caching={"enabled": True, "ttl": 300})
    for query in (FindBook(id="b1"), FindBook(id="b1"), FindBook(id="b2"), FindBook(id="b1", loud=True)):
        await bus.execute(query)
    assert await bus.execute({"type": "FindBook", "params": {"id": "b1"}}) == "Emma"
    assert shelf.asked == 3
    assert bus.cache is not None
    assert (bus.cache.hits, bus.cache.misses) == (2, 3)


async def test_on_a_bus_with_its_clock() -> None:
    clock = ManualClock()
    bus = bus_with(shelf := Shelf(), caching=Caching(ttl=5), clock=clock)
    for seconds in (0, 4, 1):
        clock.advance(seconds)
        await bus.execute(FindBook(id="b1"))
    assert shelf.asked == 2


async def test_at_least_goes_past_the_cache() -> None:
    bus = bus_with(shelf := Shelf(), caching=Caching(), waiter=(waits := Waits()))
    assert await bus.execute(FindBook(id="b1")) == "Emma"
    shelf.books["b1"] = "Persuasion"
    assert await bus.execute(FindBook(id="b1")) == "Emma"
    assert await bus.execute(FindBook(id="b1"), at_least="token") == "Persuasion"
    assert waits.waited == ["token"]


async def test_a_key_generator() -> None:
    caching = {"enabled": True, "keyGenerator": lambda query: f"{query.type} {query.params['id']}"}
    bus = bus_with(shelf := Shelf(), caching=caching)
    await bus.execute(FindBook(id="b1"))
    await bus.execute(FindBook(id="b1", loud=True))
    assert shelf.asked == 1


async def test_not_enabled() -> None:
    bus = bus_with(shelf := Shelf(), caching={"enabled": False})
    await bus.execute(FindBook(id="b1"))
    await bus.execute(FindBook(id="b1"))
    assert (bus.cache, shelf.asked) == (None, 2)


def test_an_unknown_option() -> None:
    with pytest.raises(InvalidMessage, match=r"caching has no option \['ttll'\]"):
        bus_with(Shelf(), caching={"ttll": 5})


@pytest.mark.parametrize("title", [float("nan"), object(), {object(): 1}, "\ud800"])
async def test_what_has_no_key(title: object) -> None:
    bus = bus_with(Shelf(), caching=Caching())
    with pytest.raises(InvalidMessage):
        await bus.execute({"type": "ByTitle", "params": {"book_title": title}})

"""Cached rows leave when another process has changed them, and stay when only this one has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack

import pytest

from headwater.errors import InvalidMessage
from headwater.models.changes import Insert, Update
from headwater.models.model import Key, ReadModel
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.read_models.caching import RowCaching, Strategy
from headwater.read_models.change_watch import ChangeWatch
from headwater.read_models.row_cache import RowCache
from headwater.read_models.store import ReadModelStore
from headwater.read_models.write_behind import WriteBehind
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.products import Product
from tests.read_models.gated import Gated
from tests.stores import on_shared_stores


class Plain(ReadModel, table="plain"):
    id: Key[str]


class Told:
    """A watcher of the same watch as the cache: what it has heard, the cache has heard too."""

    def __init__(self, cache: RowCache) -> None:
        assert cache._watch is not None
        self.news = asyncio.Event()
        cache._watch.join(self)

    def moved(self, models: Collection[type[ReadModel]]) -> None:
        self.news.set()

    def watching(self) -> bool:
        return False

    def closed(self) -> None:
        pass


@pytest.fixture
async def engines(url: str) -> AsyncIterator[list[Engine]]:
    """Two on one store: as good as two processes."""
    engines = [open_engine(url, EngineOptions()) for _ in range(2)]
    async with AsyncExitStack() as stack:
        for engine in engines:
            await engine.open()
            stack.push_async_callback(engine.close)
        yield engines


async def stores(engines: list[Engine], stack: AsyncExitStack, caching: RowCaching) -> tuple[ReadModelStore, RowCache]:
    """A cached store on the first engine, with one row of each model."""
    identity = await engines[0].open()
    store = ReadModelStore.over(engines[0], identity, [Product, Plain], caching=caching)
    await stack.enter_async_context(store)
    assert store.cache is not None
    await engines[0].projections.write([Insert(Product(id="a", stock=1)), Insert(Plain(id="a"))])
    return store, store.cache


@on_shared_stores
@pytest.mark.parametrize("strategy", ["read-through", "write-through", "write-behind"])
async def test_a_row_that_another_process_changes(engines: list[Engine], strategy: Strategy) -> None:
    async with AsyncExitStack() as stack:
        store, cache = await stores(engines, stack, RowCaching(strategy=strategy, flush_interval=3600))
        for stock in (2, 3):
            await store.get(Product, "a")
            told = Told(cache)
            await engines[1].projections.write([Update(Product, "a", {"stock": stock})])
            await told.news.wait()
            row = await store.get(Product, "a")
            assert row is not None
            assert row.stock == stock


@on_shared_stores
async def test_rows_of_other_models_stay(engines: list[Engine]) -> None:
    async with AsyncExitStack() as stack:
        store, cache = await stores(engines, stack, RowCaching())
        await store.get(Product, "a")
        await store.get(Plain, "a")
        told = Told(cache)
        await engines[1].projections.write([Update(Product, "a", {"stock": 2})])
        await told.news.wait()
        misses = cache.misses
        await store.get(Plain, "a")
        assert cache.misses == misses


@on_shared_stores
async def test_what_this_process_changes_leaves_other_rows_alone(engines: list[Engine]) -> None:
    async with AsyncExitStack() as stack:
        store, cache = await stores(engines, stack, RowCaching(strategy="write-through"))
        await store.insert(Product(id="b"))
        for key in "ab":
            await store.get(Product, key)
        misses = cache.misses
        for stock in range(5):
            await store.update(Product, "b", stock=stock)
            for key in "ab":
                await store.get(Product, key)
        assert cache.misses == misses


@on_shared_stores
async def test_asked_to_it_only_counts_the_time(engines: list[Engine]) -> None:
    async with AsyncExitStack() as stack:
        store, cache = await stores(engines, stack, RowCaching(invalidate=False))
        await store.get(Product, "a")
        seen = engines[0].wakeups.seen()
        await engines[1].projections.write([Update(Product, "a", {"stock": 2})])
        assert await engines[0].wakeups.wait(seen, 30) > seen
        row = await store.get(Product, "a")
        assert row is not None
        assert (row.stock, cache._watch) == (1, None)


class Noticed:
    """Wakeups over an engine's, where `others` moves when the test says so."""

    def __init__(self, engine: Engine) -> None:
        self._wakeups = engine.wakeups
        self.noticed = 0
        self.seen = self._wakeups.seen
        self.wait = self._wakeups.wait
        self.changes = self.changes_elsewhere = self._wakeups.changes

    def others(self) -> int:
        return self.noticed


class Cached:
    """A cache on an engine that others write to: what they write is noticed when the test says so."""

    def __init__(self, engine: Engine) -> None:
        self.wakeups = Noticed(engine)
        self.watch = ChangeWatch(self.wakeups)
        self.under = Gated(engine)
        self.told: list[type[ReadModel]] = []
        self.cache = RowCache(
            self.under,
            self.under,
            seconds=10,
            size=10,
            keeps_writes=True,
            clock=ManualClock(),
            watch=self.watch.elsewhere(),
            changed=self.told.extend,
        )

    async def stock(self) -> int | None:
        row = await self.cache.get(Product, "a")
        assert row is not None
        return row.stock

    async def noticed(self) -> None:
        self.wakeups.noticed += 1
        await self.watch.elsewhere().catch_up()


@pytest.fixture
async def cached(engine: Engine) -> AsyncIterator[Cached]:
    await engine.read_model_schema.ensure([Product])
    cached = Cached(engine)
    yield cached
    await cached.watch.close()


def _product(stock: int) -> Insert:
    return Insert(Product(id="a", stock=stock))


async def test_a_row_that_was_written_and_never_read(engine: Engine, cached: Cached) -> None:
    await cached.cache.write([_product(1)])
    assert (await cached.stock(), cached.under.reads) == (1, 0)
    await engine.projections.write([_product(2)])
    await cached.noticed()
    assert await cached.stock() == 2


async def test_who_asks_looks_first_if_others_were_noticed(engine: Engine, cached: Cached) -> None:
    await engine.projections.write([_product(1)])
    assert await cached.stock() == 1
    await engine.projections.write([_product(2)])
    assert await cached.stock() == 1
    cached.wakeups.noticed += 1
    assert await cached.stock() == 2


async def test_what_is_written_behind_is_told_and_again_if_it_is_refused(engine: Engine) -> None:
    await engine.read_model_schema.ensure([Product])
    under = Gated(engine)
    told: list[type[ReadModel]] = []
    behind = WriteBehind(under, under, seconds=3600, capacity=10, changed=told.extend)
    behind.start()
    await behind.write([_product(1)])
    assert told == [Product]
    under.error = InvalidMessage("never")
    await behind.flush()
    assert told == [Product, Product]
    await behind.stop()


async def test_a_row_being_read_when_others_are_noticed_is_not_kept(engine: Engine, cached: Cached) -> None:
    await engine.projections.write([_product(1)])
    cached.under.gate.clear()
    reading = asyncio.create_task(cached.stock())
    await cached.under.held(1)
    await engine.projections.write([_product(2)])
    await cached.noticed()
    cached.under.gate.set()
    assert [await reading, await cached.stock()] == [1, 2]


async def test_a_row_being_written_when_others_are_noticed_is_not_kept(engine: Engine, cached: Cached) -> None:
    await engine.projections.write([_product(1)])
    assert await cached.stock() == 1
    cached.under.gate.clear()
    writing = asyncio.create_task(cached.cache.write([Update(Product, "a", {"kind": "new"})]))
    await cached.under.held(1)
    await engine.projections.write([_product(2)])
    await cached.noticed()
    cached.under.gate.set()
    await writing
    assert await cached.stock() == 2


async def test_what_was_answered_from_a_row_that_is_dropped_late_is_told(engine: Engine, cached: Cached) -> None:
    await engine.projections.write([_product(1)])
    assert await cached.stock() == 1
    assert cached.told == []
    await cached.noticed()
    assert cached.told == []
    await engine.projections.write([_product(2)])
    await cached.noticed()
    assert cached.told == [Product]
    cached.cache.forget([_product(3)])
    assert cached.told == [Product]
    assert await cached.stock() == 2
    cached.cache.forget([_product(3)])
    assert cached.told == [Product, Product]

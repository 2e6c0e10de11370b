"""A swap while others read what it renames: nobody waits behind it for long, and a rebuild tries again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from headwater.engines.postgres.location import Location
from headwater.errors import StoreBusy
from headwater.projections.parts import RunnerOptions
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.commits import swap
from tests.engines.postgres.pages import Page, fill, found, wanted
from tests.engines.postgres.stores import opened
from tests.engines.servers import fresh_schema
from tests.projections.shop import Added, Shop, Stock, StockView

PATIENCE = 60.0
"""Seconds that nothing here takes, unless it waits for who never ends."""
SOON = "0.1"
LATE = "600"


@asynccontextmanager
async def reading(url: str, table: str) -> AsyncIterator[None]:
    """Somebody else has begun to read a table, as a report or a dump does."""
    location = Location.parse(url, {})
    connection = await asyncpg.connect(location.dsn)
    try:
        async with connection.transaction():
            await connection.execute(f'LOCK TABLE "{location.schema}"."{table}" IN ACCESS SHARE MODE')
            yield
    finally:
        await connection.close()


async def test_a_swap_gives_way_to_those_who_would_wait_behind_it() -> None:
    async with fresh_schema(partitions="1", lock_timeout=LATE) as url, opened(url, Page) as engine:
        for version in (1, 2):
            await engine.generations.begin(wanted(version=version))
        await fill(engine, 1, Page(id="new", title="new"))
        before = await engine.generations.all()
        async with asyncio.timeout(PATIENCE), reading(url, "page"):
            with pytest.raises(StoreBusy):
                await swap(engine, "p", 1)
            assert await engine.generations.all() == before
            assert await found(engine, "new") == []
        assert await swap(engine, "p", 1)
        assert await found(engine, "new") == ["new"]


class Sleeps:
    """Pauses that take no time, counted."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.has_slept = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.has_slept.set()
        await asyncio.sleep(0)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="1", lock_timeout=SOON) as url:
        yield url


@pytest.fixture
async def shop(url: str) -> AsyncIterator[Shop]:
    async with opened(url, StockView) as engine:
        shop = Shop(engine, await engine.open(), ManualClock())
        for number in range(20):
            await shop.append(f"item-{number % 5}", Added(units=number))
        yield shop


async def test_a_rebuild_is_served_as_soon_as_it_is_let(shop: Shop, url: str) -> None:
    sleeps = Sleeps()
    synchronizer = shop.synchronizer(Stock(), options=RunnerOptions(sleep=sleeps.sleep, lease_seconds=0.3))
    async with asyncio.timeout(PATIENCE):
        async with reading(url, "shop_stock"):
            rebuilding = asyncio.ensure_future(synchronizer.rebuild_read_model(StockView))
            await sleeps.has_slept.wait()
            assert not rebuilding.done()
            assert await shop.stock() == {}
        assert (await rebuilding).finished
    assert sum((await shop.events_seen()).values()) == 20


async def test_a_rebuild_that_is_never_let_leaves_all_as_it_was_and_goes_on_later(shop: Shop, url: str) -> None:
    sleeps = Sleeps()
    synchronizer = shop.synchronizer(Stock(), options=RunnerOptions(sleep=sleeps.sleep, lease_seconds=0.3))
    async with asyncio.timeout(PATIENCE):
        async with reading(url, "shop_stock"):
            with pytest.raises(StoreBusy, match="'stock' is built anew"):
                await synchronizer.rebuild_read_model(StockView)
            assert sleeps.seconds == sorted(sleeps.seconds)
            assert sleeps.seconds[-1] == RunnerOptions().longest_pause
            assert await shop.stock() == {}
        assert [generation.state for generation in await shop.engine.generations.all()] == ["serving", "building"]
        steps = [progress async for progress in synchronizer.rebuild_read_model(StockView)]
    assert steps[0].finished  # nothing is filled again
    assert sum((await shop.events_seen()).values()) == 20

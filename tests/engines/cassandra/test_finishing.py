"""A projection on Cassandra whose worker dies between rows and checkpoint, and whose handler then does otherwise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal
from unittest.mock import patch

import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.tables.place_table import PlaceTable
from headwater.errors import RebuildRefused, StoreUnavailable
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import EngineOptions
from headwater.projections.error_policy import ErrorPolicy
from headwater.projections.handler import ProjectionHandler
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from headwater.testing.clock import ManualClock
from tests.engines.cassandra_servers import fresh_keyspace
from tests.projections.shop import Added, Poisonous, Shop, until


class Total(ReadModel, table="finishing_totals"):
    id: Key[str]
    units: int = 0


class Totals(ProjectionHandler, writes=[Total]):
    """All streams into one row, and each into one of its own."""

    def __init__(self) -> None:
        self.poison: set[int] = set()

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.add(Total, e.stream, units=e.data.units)
        await views.add(Total, "all", units=e.data.units)
        if e.data.units in self.poison:
            raise Poisonous(f"{e.data.units} units")


class Skipping(Totals, name="totals", errors={Poisonous: ErrorPolicy(then="skip")}):
    pass


@pytest.fixture
async def shop(clock: ManualClock) -> AsyncIterator[Shop]:
    async with fresh_keyspace(partitions="1") as url:
        engine = open_engine(url, EngineOptions(clock=clock))
        identity = await engine.open()
        await engine.read_model_schema.ensure([Total])
        shop = Shop(engine, identity, clock)
        for number in range(1, 6):
            await shop.append(f"item-{number}", Added(units=number))
        yield shop
        await engine.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@contextmanager
def dies_before_the_checkpoint_moves(then: Callable[[], None]) -> Generator[None]:
    """What is decided is written, and the first checkpoint that would move for it is not there; `then` something."""
    exchange = PlaceTable.exchange
    deaths: list[None] = [None]

    async def mortal(self: PlaceTable, *args: object) -> bool:
        (seen,), (wanted,) = [list(marks.values()) or [None] for marks in args[1:3]]  # type: ignore[attr-defined]
        if deaths and seen is not None and seen.page is not None and wanted.page is None:
            deaths.pop()
            then()
            raise StoreUnavailable("out of reach")
        return await exchange(self, *args)  # type: ignore[arg-type]  # as it was called

    with patch.object(PlaceTable, "exchange", mortal):
        yield


@asynccontextmanager
async def running(shop: Shop, handler: Totals) -> AsyncGenerator[ReadModelSynchronizer]:
    """Not started yet; it ends with the test, however that ends."""
    synchronizer = shop.synchronizer(handler)
    try:
        yield synchronizer
    finally:
        await synchronizer.stop(drain=0)


async def totals(shop: Shop) -> dict[str, int]:
    return {row.id: row.units for row in await shop.views.find(Total)}


async def test_what_was_parked_stays_parked_though_it_would_be_handled_now(shop: Shop) -> None:
    handler = Totals()
    handler.poison = {2}
    async with running(shop, handler) as synchronizer:
        with dies_before_the_checkpoint_moves(handler.poison.clear):
            await synchronizer.start()
            await synchronizer.caught_up()
        assert await totals(shop) == {"all": 13, "item-1": 1, "item-3": 3, "item-4": 4, "item-5": 5}
        assert [event.key for event in await shop.engine.parking.parked()] == ["item-2"]
        assert (await synchronizer.dead_letters.retry("totals")).handled == 1
        await until(shop, lambda: totals(shop), {"all": 15} | {f"item-{number}": number for number in range(1, 6)})


async def test_what_was_skipped_stays_skipped(shop: Shop) -> None:
    handler = Skipping()
    handler.poison = {2}
    async with running(shop, handler) as synchronizer:
        with dies_before_the_checkpoint_moves(handler.poison.clear):
            await synchronizer.start()
            await synchronizer.caught_up()
        assert await totals(shop) == {"all": 13, "item-1": 1, "item-3": 3, "item-4": 4, "item-5": 5}


@pytest.mark.parametrize("then", ["park", "skip"])
async def test_what_was_handled_is_neither_parked_nor_skipped_though_it_fails_now(
    shop: Shop, then: Literal["park", "skip"]
) -> None:
    handler = Totals() if then == "park" else Skipping()
    async with running(shop, handler) as synchronizer:
        with dies_before_the_checkpoint_moves(lambda: handler.poison.add(4)):
            await synchronizer.start()
            await until(shop, lambda: kinds(shop), ["event"])
        (trouble,) = await shop.engine.conditions.troubles()
        assert trouble.error.startswith("PageUnfinished: events 0 to 4 of partition 0 were handled by 'totals'")
        assert list(await shop.engine.parking.parked()) == []
        handler.poison.clear()
        await synchronizer.caught_up()
        assert await totals(shop) == {"all": 15} | {f"item-{number}": number for number in range(1, 6)}


async def kinds(shop: Shop) -> list[str]:
    return [trouble.kind for trouble in await shop.engine.conditions.troubles()]


async def test_events_below_the_checkpoint_are_not_handled_once_more_over_rows_that_have_them(shop: Shop) -> None:
    with pytest.raises(RebuildRefused, match="rebuild from_event=0"):
        await shop.synchronizer(Totals()).rebuild_read_model(Totals, from_event=1)

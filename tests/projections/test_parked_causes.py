"""What is to blame for an event that is parked: what its handler awaited, or one change of a page."""

from __future__ import annotations

import asyncio

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import InvalidMessage
from headwater.models.changes import Insert
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.handler import ProjectionHandler
from headwater.read_models.views import Views
from tests.projections.shop import Added, FaultyStore, Shop, Stock, StockView


class Sums(ProjectionHandler, writes=[StockView]):
    """A row for each amount of an item."""

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.insert(StockView(id=f"{e.stream}:{e.data.units}", units=e.data.units))


class Cancelling(Stock, name="cancelling"):
    """Awaits what somebody else has cancelled."""

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        if e.data.units in self.poison:
            raise asyncio.CancelledError
        await super().added(e, views)


async def test_a_cancellation_of_what_a_handler_awaits_parks_its_event(shop: Shop) -> None:
    await shop.append("item-1", Added(units=13), Added(units=1))
    await shop.append("item-2", Added(units=5))
    handler = Cancelling()
    handler.poison = {13}
    synchronizer = shop.synchronizer(handler)
    await synchronizer.start()
    async with asyncio.timeout(30):
        await synchronizer.caught_up()
    assert await shop.stock() == {"item-2": 5}
    assert "catch asyncio.CancelledError" in str((await synchronizer.dead_letters.list())[0].error)
    await synchronizer.stop()


async def test_a_change_that_the_store_refuses_parks_its_event_alone(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    await shop.append("item-2", Added(units=3))
    store = FaultyStore(shop.engine)

    def refuse(commit: ProjectionCommit) -> None:
        if any(isinstance(change, Insert) and change.key == "item-1:13" for change in commit.changes):
            raise InvalidMessage("13 does not fit")

    store.before = refuse
    synchronizer = shop.synchronizer(Sums(), parts=shop.fresh_parts(store=store))
    await synchronizer.start()
    await synchronizer.caught_up()
    assert set(await shop.stock()) == {"item-1:1", "item-2:3"}
    assert [event.error for event in await synchronizer.dead_letters.list()] == [
        "InvalidMessage: 13 does not fit",
        None,
    ]
    assert (await synchronizer.dead_letters.retry("sums")).parked == 2
    store.before = lambda _: None
    assert (await synchronizer.dead_letters.retry("sums")).handled == 2
    await synchronizer.stop()
    assert set(await shop.stock()) == {"item-1:1", "item-1:13", "item-1:2", "item-2:3"}

"""A parked event that is retried under another policy: skipped it leaves, at a stop it stays where it is."""

from __future__ import annotations

import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.projections.dead_letters import Retried
from headwater.projections.error_policy import ErrorPolicy
from headwater.projections.handler import ProjectionHandler
from headwater.read_models.views import Views
from tests.projections.shop import Added, Poisonous, Shop, StockView


class Counting(ProjectionHandler, writes=[StockView], name="counting"):
    """Refuses 13 units."""

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.add(StockView, e.stream, units=e.data.units)
        if e.data.units == 13:
            raise Poisonous("13 units")


class Skipping(Counting, name="counting", errors={Poisonous: ErrorPolicy(retries=0, then="skip")}):
    pass


class Stopping(Counting, name="counting", errors={Poisonous: ErrorPolicy(retries=0, then="stop")}):
    pass


@pytest.fixture
async def parked(shop: Shop) -> Shop:
    """One item's second event is parked, and the third behind it."""
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    synchronizer = shop.synchronizer(Counting())
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await shop.stock() == {"item-1": 1}
    return shop


async def test_a_skipped_one_leaves_without_a_trace(parked: Shop) -> None:
    synchronizer = parked.synchronizer(Skipping())
    assert await synchronizer.dead_letters.retry("counting") == Retried(handled=2, parked=0, pending=0)
    assert await parked.stock() == {"item-1": 3}


async def test_at_a_stop_it_stays_with_those_behind_it(parked: Shop) -> None:
    synchronizer = parked.synchronizer(Stopping())
    assert await synchronizer.dead_letters.retry("counting") == Retried(handled=0, parked=2, pending=0)
    assert [event.error for event in await synchronizer.dead_letters.list()] == ["Poisonous: 13 units", None]
    assert await parked.stock() == {"item-1": 1}

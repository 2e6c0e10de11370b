"""An event whose type is not registered here: parked, passed by or the end, as the projection says."""

from __future__ import annotations

import pytest

from headwater.domain.event import Recorded
from headwater.errors import ConsistencyTimeout
from headwater.projections.handler import ProjectionHandler, Unknown
from headwater.read_models.views import Views
from tests.projections.mail import Mailing, Post, run_to_the_end, started
from tests.projections.shop import Added, Shop, Stock, StockView, until
from tests.projections.standings import Foreign, foreign, heads, offsets

pytestmark = pytest.mark.above_engines


def everything(policy: Unknown | None) -> ProjectionHandler:
    """Counts every event it is given."""

    class All(ProjectionHandler, writes=[StockView], name="all", unknown=policy):
        async def handle(self, event: Recorded[object], views: Views) -> None:
            await views.add(StockView, event.stream, events=1)

    return All()


async def mixed(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    await foreign(shop, "item-1")
    await shop.append("item-1", Added(units=1))
    await shop.append("item-2", Added(units=1))


@pytest.mark.parametrize("policy", [None, "park"])
async def test_unless_it_is_said_otherwise_it_is_parked_with_its_key(shop: Shop, policy: Unknown | None) -> None:
    await mixed(shop)
    running = await started(shop, everything(policy))
    assert await shop.events_seen() == {"item-1": 1, "item-2": 1}
    first, second = await running.dead_letters.list()
    assert (first.type, second.type, first.attempts) == ("ShopForeign", "ShopAdded", 1)
    assert (first.error or "").startswith("UnknownEventType")
    assert (await running.dead_letters.retry("all")).parked == 2
    shop.registry.register(Foreign)  # as the next release does
    assert (await running.dead_letters.retry("all")).handled == 2
    await running.stop()
    assert await shop.events_seen() == {"item-1": 3, "item-2": 1}


async def test_it_can_be_passed_by(shop: Shop) -> None:
    await mixed(shop)
    running = await started(shop, everything("ignore"))
    await running.stop()
    assert await shop.events_seen() == {"item-1": 2, "item-2": 1}
    assert await running.dead_letters.list() == []
    assert await offsets(shop, "all") == await heads(shop)


async def test_it_can_stop_its_projection(shop: Shop) -> None:
    await mixed(shop)
    running = shop.synchronizer(everything("stop"))
    await running.start()

    async def paused() -> list[str]:
        return [pause.projection for pause in await shop.engine.conditions.pauses()]

    await until(shop, paused, ["all"])
    with pytest.raises(ConsistencyTimeout):
        await running.caught_up(timeout=0)
    assert (await shop.events_seen())["item-1"] == 1
    assert await running.dead_letters.list() == []
    shop.registry.register(Foreign)
    await running.resume("all")
    await running.caught_up()
    await running.stop()
    assert await shop.events_seen() == {"item-1": 3, "item-2": 1}


async def test_one_that_names_its_events_never_meets_it(shop: Shop) -> None:
    await mixed(shop)
    running = await started(shop, Stock())
    await running.stop()
    assert await running.dead_letters.list() == []
    assert await shop.events_seen() == {"item-1": 2, "item-2": 1}


async def test_side_effects_have_none_for_it(shop: Shop) -> None:
    post = Post()
    await mixed(shop)
    await run_to_the_end(shop, Mailing(post))
    assert post.counts == {"item-1": 2, "item-2": 1}

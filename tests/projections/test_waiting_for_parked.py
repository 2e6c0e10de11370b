"""Waiting for what is parked: the cause is told, and only to those whose events it holds up."""

from __future__ import annotations

import pytest

from headwater.consistency.waiting import TokenWaiter
from headwater.errors import ViewParked
from headwater.projections.synchronizer import ReadModelSynchronizer
from tests.projections.shop import Added, Shop, Stock


async def parked(shop: Shop) -> tuple[ReadModelSynchronizer, TokenWaiter]:
    stock = Stock()
    stock.poison = {13}
    synchronizer = shop.synchronizer(stock)
    await synchronizer.start()
    return synchronizer, TokenWaiter(shop.fresh_parts(), synchronizer.projections, shop.identity)


async def test_waiting_for_a_parked_key_tells_the_cause(shop: Shop) -> None:
    synchronizer, waiter = await parked(shop)
    bad = await shop.append("item-1", Added(units=13))
    behind = await shop.append("item-1", Added(units=1))
    fine = await shop.append("item-2", Added(units=1))
    for token in (bad, behind):
        with pytest.raises(ViewParked, match="Poisonous: 13 units") as told:
            await waiter.wait(token, [Stock], timeout=30)
        assert told.value.cause == "Poisonous: 13 units"
    await waiter.wait(fine, [Stock], timeout=30)
    await synchronizer.stop()


async def test_waiting_for_what_came_before_the_parked_event_is_no_trouble(shop: Shop) -> None:
    synchronizer, waiter = await parked(shop)
    good = await shop.append("item-1", Added(units=1))
    await shop.append("item-1", Added(units=13))
    await synchronizer.caught_up()
    await waiter.wait(good, [Stock], timeout=30)
    await synchronizer.stop()


async def test_after_the_fix_the_same_token_is_visible(shop: Shop) -> None:
    stock = Stock()
    stock.poison = {13}
    synchronizer = shop.synchronizer(stock)
    await synchronizer.start()
    waiter = TokenWaiter(shop.parts, synchronizer.projections, shop.identity)
    token = await shop.append("item-1", Added(units=13), Added(units=1))
    with pytest.raises(ViewParked):
        await waiter.wait(token, [Stock], timeout=30)
    stock.poison.clear()
    await synchronizer.dead_letters.retry(Stock)
    await waiter.wait(token, [Stock], timeout=30)
    assert await shop.stock() == {"item-1": 14}
    await synchronizer.stop()


async def test_while_nobody_runs_it_the_cause_is_told_all_the_same(shop: Shop) -> None:
    synchronizer, waiter = await parked(shop)
    token = await shop.append("item-1", Added(units=13))
    await synchronizer.caught_up()
    await synchronizer.stop()
    with pytest.raises(ViewParked, match="Poisonous: 13 units"):
        await waiter.wait(token, [Stock], timeout=0)

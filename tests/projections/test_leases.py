"""The lease of an idle runner: kept while it lives, noticed when it is lost."""

from __future__ import annotations

import asyncio

from headwater.projections.parts import RunnerOptions
from tests.projections.shop import Added, Shop, Stock

SHORT = RunnerOptions(lease_seconds=0.03)


async def test_an_idle_runner_renews_its_lease(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock(), options=SHORT)
    await synchronizer.start()
    await synchronizer.caught_up()
    taken = (await shop.engine.leases.holders())[0]
    shop.clock.advance(0.02)
    while (renewed := (await shop.engine.leases.holders())[0]).expires_at == taken.expires_at:
        await asyncio.sleep(0)
    await synchronizer.stop()
    assert (renewed.owner, renewed.epoch) == (taken.owner, taken.epoch)


async def test_a_runner_notices_that_its_lease_is_lost_and_comes_back(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock(), options=SHORT)
    await synchronizer.start()
    await synchronizer.caught_up()
    shop.clock.advance(60)
    lease = await shop.engine.leases.acquire("projection:stock:0", "somebody else", 5)
    if lease is None:  # renewed in the very moment
        shop.clock.advance(60)
        lease = await shop.engine.leases.acquire("projection:stock:0", "somebody else", 5)
    assert lease is not None
    while (await synchronizer.status())[0].running:
        await asyncio.sleep(0)
    await shop.engine.leases.release(lease)
    await shop.append("item-1", Added(units=1))
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await shop.stock() == {"item-1": 1}

"""The lease of an idle runner: kept while it lives, noticed when it is lost."""

from __future__ import annotations

import asyncio

import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import StoreBusy
from headwater.ports.leases import Lease
from headwater.ports.place import Place
from headwater.projections.handler import ProjectionHandler
from headwater.projections.leasing import acquired, given_back
from headwater.projections.parts import RunnerOptions
from headwater.read_models.views import Views
from tests.projections.shop import Added, Shop, Stock

NAME = Place("stock").lease
REBUILT = Place("stock", generation=1).lease
SHORT = RunnerOptions(lease_seconds=0.03)


class WatchedLeases:
    """The engine's, telling what each acquire of one name brought."""

    def __init__(self, shop: Shop) -> None:
        self._leases = shop.engine.leases
        self.acquired: asyncio.Queue[Lease | None] = asyncio.Queue()

    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        lease = await self._leases.acquire(name, owner, ttl)
        if name in (NAME, REBUILT):
            self.acquired.put_nowait(lease)
        return lease

    async def release(self, lease: Lease) -> None:
        await self._leases.release(lease)

    async def back_off(self, lease: Lease, seconds: float) -> None:
        await self._leases.back_off(lease, seconds)

    async def holders(self) -> list[Lease]:
        return await self._leases.holders()


class HeldLeases(WatchedLeases):
    """Those whose acquire takes until it is let through."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        self.asked.set()
        await self.go_on.wait()
        return await super().acquire(name, owner, ttl)


async def test_an_idle_runner_renews_its_lease(shop: Shop) -> None:
    leases = WatchedLeases(shop)
    synchronizer = shop.synchronizer(Stock(), parts=shop.fresh_parts(leases=leases), options=SHORT)
    await synchronizer.start()
    taken, renewed = await leases.acquired.get(), await leases.acquired.get()
    await synchronizer.stop()
    assert taken is not None
    assert renewed is not None
    assert (renewed.owner, renewed.epoch) == (taken.owner, taken.epoch)


async def test_a_page_that_takes_long_does_not_cost_the_lease(shop: Shop) -> None:
    leases = WatchedLeases(shop)

    class Patient(ProjectionHandler, name="stock", writes=[]):
        async def handle(self, event: Recorded[Added]) -> None:
            seen.extend([await leases.acquired.get() for _ in range(3)])

    seen: list[Lease | None] = []
    await shop.append("item-1", Added(units=1))
    synchronizer = shop.synchronizer(Patient(), parts=shop.fresh_parts(leases=leases), options=SHORT)
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert len({lease.epoch if lease else None for lease in seen}) == 1


async def test_a_runner_notices_that_its_lease_is_lost_and_comes_back(shop: Shop) -> None:
    leases = WatchedLeases(shop)
    synchronizer = shop.synchronizer(Stock(), parts=shop.fresh_parts(leases=leases), options=SHORT)
    await synchronizer.start()
    assert await leases.acquired.get() is not None
    stolen: Lease | None = None
    while stolen is None:  # the runner may renew it in the very moment
        shop.clock.advance(60)
        stolen = await shop.engine.leases.acquire(NAME, "somebody else", 5)
    while await leases.acquired.get() is not None:
        pass
    await shop.engine.leases.release(stolen)
    await shop.append("item-1", Added(units=1))
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await shop.stock() == {"item-1": 1}


async def test_a_runner_told_to_stop_while_it_asks_for_the_lease_does_not_rest(shop: Shop) -> None:
    assert await shop.engine.leases.acquire(NAME, "somebody else", 3_600) is not None
    leases = HeldLeases(shop)
    options = RunnerOptions(lease_seconds=36_000)
    synchronizer = shop.synchronizer(Stock(), parts=shop.fresh_parts(leases=leases), options=options)
    await synchronizer.start()
    await leases.asked.wait()
    stopping = asyncio.create_task(synchronizer.stop(drain=3_600))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leases.go_on.set()
    await stopping
    assert [lease.owner for lease in await shop.engine.leases.holders()] == ["somebody else"]


class LongPages(Stock, name="stock"):
    """Every event takes until the lease was renewed."""

    def __init__(self, leases: WatchedLeases) -> None:
        super().__init__()
        self.leases = leases

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        for _ in range(3):
            await self.leases.acquired.get()
        await super().added(e, views)


async def test_a_page_of_a_rebuild_that_takes_long_does_not_cost_the_lease(shop: Shop) -> None:
    leases = WatchedLeases(shop)
    await shop.append("item-1", Added(units=1))
    synchronizer = shop.synchronizer(LongPages(leases), parts=shop.fresh_parts(leases=leases), options=SHORT)
    assert (await synchronizer.rebuild_read_model("stock")).finished
    assert await shop.stock() == {"item-1": 1}
    assert await shop.engine.leases.holders() == []


class StingyLeases(WatchedLeases):
    """The first lease cannot be given back."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.refused = False

    async def release(self, lease: Lease) -> None:
        if not self.refused:
            self.refused = True
            raise StoreBusy("later")
        await super().release(lease)


async def test_a_lease_that_cannot_be_given_back_does_not_keep_the_others(shop: Shop) -> None:
    leases = StingyLeases(shop)
    await shop.append("item-1", Added(units=1))
    synchronizer = shop.synchronizer(Stock(), parts=shop.fresh_parts(leases=leases))
    assert (await synchronizer.rebuild_read_model(Stock)).finished
    assert leases.refused
    assert len(await shop.engine.leases.holders()) <= 1


async def test_a_lease_granted_to_who_has_been_cancelled_is_given_back(shop: Shop) -> None:
    leases = HeldLeases(shop)
    asking = asyncio.create_task(acquired(leases, NAME, "somebody", 3_600))
    await leases.asked.wait()
    asking.cancel()
    await asyncio.sleep(0)
    leases.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await shop.engine.leases.holders() == []


class HeldReleases(WatchedLeases):
    """Those whose release takes until it is let through, and is not begun by then."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop)
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def release(self, lease: Lease) -> None:
        self.asked.set()
        await self.go_on.wait()
        await super().release(lease)


async def test_a_lease_is_given_back_by_who_is_cancelled_meanwhile(shop: Shop) -> None:
    leases = HeldReleases(shop)
    lease = await leases.acquire(NAME, "somebody", 3_600)
    assert lease is not None
    giving = asyncio.create_task(given_back(leases, lease))
    await leases.asked.wait()
    giving.cancel()
    await asyncio.sleep(0)
    leases.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await giving
    assert await shop.engine.leases.holders() == []

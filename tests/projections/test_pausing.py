"""A projection told to stand still does, in every process and over restarts, until it is told to go on."""

from __future__ import annotations

import asyncio

import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import UnknownName
from headwater.projections.error_policy import ErrorPolicy
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import RunnerOptions
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from tests.projections.mail import history
from tests.projections.shop import Added, Poisonous, Shop, Stock, StockView, no_sleep, until

pytestmark = pytest.mark.above_engines

FAST = RunnerOptions(sleep=no_sleep, save_seconds=0.01, watch_seconds=0.05)


async def process(shop: Shop, *handlers: ProjectionHandler) -> ReadModelSynchronizer:
    synchronizer = shop.synchronizer(*handlers, parts=shop.fresh_parts(), options=FAST)
    await synchronizer.start()
    return synchronizer


async def runs(synchronizer: ReadModelSynchronizer) -> bool:
    return any(status.running for status in await synchronizer.status())


class Others(ProjectionHandler, writes=[], name="others"):
    """Goes on beside."""

    def __init__(self) -> None:
        self.seen = 0

    @on(Added)
    async def added(self, e: Recorded[Added]) -> None:
        self.seen += 1


async def test_it_stands_still_in_every_process(shop: Shop) -> None:
    await history(shop)
    others = Others()
    running = await process(shop, Stock(), others)
    await running.caught_up()
    elsewhere = shop.synchronizer(Stock(), parts=shop.fresh_parts(), options=FAST)
    await elsewhere.pause(Stock, reason="a migration", by="ops")
    await until(shop, lambda: _running(running, "stock"), False)
    before = await shop.stock()
    await shop.append("item-0", Added(units=100))

    async def seen() -> int:
        return others.seen

    await until(shop, seen, 21)
    assert await shop.stock() == before
    status = next(s for s in await running.status() if s.projection == "stock")
    assert (status.condition, status.pause and (status.pause.reason, status.pause.by)) == (
        "paused",
        ("a migration", "ops"),
    )
    assert await elsewhere.resume(Stock, by="ops")
    await running.caught_up()
    assert (await shop.stock())["item-0"] == 105
    await running.stop()


async def _running(synchronizer: ReadModelSynchronizer, name: str) -> bool:
    return any(status.running for status in await synchronizer.status() if status.projection == name)


async def test_it_is_paused_still_after_a_restart(shop: Shop) -> None:
    first = await process(shop, Stock())
    await first.pause("stock")
    assert not await runs(first)
    await first.stop()
    await history(shop)
    again = await process(shop, Stock())
    assert not await runs(again)
    assert await shop.stock() == {}
    assert await again.resume(StockView)
    await again.caught_up()
    assert sum((await shop.stock()).values()) == 20
    await again.stop()


async def test_paused_twice_the_later_reason_counts(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    await synchronizer.pause("stock", "first")
    await synchronizer.pause("stock", "second")
    assert {s.pause.reason for s in await synchronizer.status() if s.pause} == {"second"}
    assert await synchronizer.resume("stock")
    assert not await synchronizer.resume("stock")


async def test_what_is_unknown_cannot_be_paused(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    with pytest.raises(UnknownName):
        await synchronizer.pause("nobody")
    with pytest.raises(UnknownName):
        await synchronizer.resume("nobody")


async def test_who_paused_and_resumed_is_kept(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    await synchronizer.pause(Stock, "because", by="ada")
    await synchronizer.resume(Stock, by="bob")
    noted = [(e.action, e.subject, e.by, e.details) for e in await shop.engine.journal.entries()]
    assert noted == [("projection.resume", "stock", "bob", ""), ("projection.pause", "stock", "ada", "because")]


class Newer(Stock, name="stock", version=2):
    """Waits before each event while it is held."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.began, self.handled = asyncio.Event(), asyncio.Event(), 0

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        self.began.set()
        await self.held.wait()
        self.handled += 1
        await super().added(e, views)


async def test_a_generation_that_a_process_builds_stands_still_too(shop: Shop) -> None:
    await history(shop)
    old = await process(shop, Stock())
    await old.caught_up()
    await old.stop()
    newer = Newer()
    building = await process(shop, newer)
    await newer.began.wait()
    await building.pause("stock")
    newer.held.set()
    assert await shop.engine.leases.holders() == []
    assert [g.version for g in await shop.engine.generations.all() if g.state == "serving"] == [1]
    assert newer.handled == 0
    await building.resume("stock")

    async def served() -> int:
        return next(g.version for g in await shop.engine.generations.all() if g.state == "serving")

    await until(shop, served, 2)
    assert sum((await shop.events_seen()).values()) == 20
    await building.stop()


async def test_a_rebuild_that_is_asked_for_is_done_all_the_same(shop: Shop) -> None:
    """Pause, rebuild, look, resume: what is served then stands still until the last."""
    await history(shop)
    synchronizer = await process(shop, Stock())
    await synchronizer.caught_up()
    await synchronizer.pause(Stock)
    await synchronizer.rebuild_read_model(Stock)
    assert not await runs(synchronizer)
    await shop.append("item-0", Added(units=1))
    assert sum((await shop.stock()).values()) == 20
    await synchronizer.resume(Stock)
    await synchronizer.caught_up()
    assert sum((await shop.stock()).values()) == 21
    await synchronizer.stop()


class Strict(Stock, name="stock", errors={Poisonous: ErrorPolicy(retries=0, then="stop")}):
    pass


async def test_an_event_that_stops_its_projection_pauses_it_in_every_process(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    strict = Strict()
    strict.poison = {13}
    running = await process(shop, strict)

    async def reasons() -> list[str]:
        return [pause.reason for pause in await shop.engine.conditions.pauses()]

    async def paused() -> bool:
        return bool(await reasons())

    await until(shop, paused, True)
    (reason,) = await reasons()
    assert reason.startswith("'stock' stands still at ShopAdded item-1@2")
    assert "Poisonous: 13 units" in reason
    assert await shop.stock() == {"item-1": 1}
    await running.stop()
    other = await process(shop, Strict())
    assert not await runs(other)
    assert await shop.engine.parking.parked() == []
    await other.resume(Strict)
    await other.caught_up()
    assert await shop.stock() == {"item-1": 16}
    assert await shop.engine.conditions.troubles() == []
    await other.stop()


async def test_resumed_with_nothing_mended_it_stops_again(shop: Shop) -> None:
    await shop.append("item-1", Added(units=13))
    strict = Strict()
    strict.poison = {13}
    running = await process(shop, strict)

    async def failures() -> list[int]:
        return [trouble.failures for trouble in await shop.engine.conditions.troubles()]

    async def paused() -> bool:
        return bool(await shop.engine.conditions.pauses())

    await until(shop, paused, True)
    assert await failures() == [1]
    await running.resume("stock")
    await until(shop, failures, [2])
    await until(shop, paused, True)
    strict.poison.clear()
    await running.resume("stock")
    await running.caught_up()
    assert await shop.stock() == {"item-1": 13}
    await running.stop()


async def test_a_listener_may_pause_what_failed(shop: Shop) -> None:
    await shop.append("item-1", Added(units=13))
    stock = Stock()
    stock.poison = {13}
    synchronizer = shop.synchronizer(stock, parts=shop.fresh_parts(), options=FAST)

    async def pause(error: Exception, event: Recorded[object]) -> None:
        await synchronizer.pause(Stock, f"{error}", by="a listener")

    synchronizer.on("projection_error", pause)
    await synchronizer.start()

    async def paused() -> bool:
        return bool(await shop.engine.conditions.pauses())

    async def leases() -> int:
        return len(await shop.engine.leases.holders())

    await until(shop, paused, True)

    async with asyncio.timeout(5):  # it waits for nobody: least of all for itself
        await until(shop, leases, 0)
    assert [pause.reason for pause in await shop.engine.conditions.pauses()] == ["13 units"]
    await synchronizer.stop()

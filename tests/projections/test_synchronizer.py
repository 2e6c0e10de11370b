"""The synchronizer: effects once, the log's order, leases, listeners."""

from __future__ import annotations

import asyncio
import logging
import random

import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import (
    BadDeclaration,
    CheckpointAheadOfLog,
    ConsistencyTimeout,
    DuplicateName,
    StoreBusy,
    UnknownName,
)
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import RunnerOptions
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from tests.projections.shop import Added, FaultyStore, Noted, Poisonous, Removed, Shop, Stock, StockView

pytestmark = pytest.mark.above_engines


async def test_events_become_rows(shop: Shop) -> None:
    await shop.append("item-1", Added(units=5), Removed(units=2))
    synchronizer = shop.synchronizer(Stock())
    await synchronizer.start()
    await synchronizer.caught_up()
    await shop.append("item-2", Added(units=7))
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await shop.stock() == {"item-1": 3, "item-2": 7}


class SeedStyle(ProjectionHandler, writes=[StockView]):
    """One `handle` for every event, and a store it was given."""

    def __init__(self, views: Views) -> None:
        self.views = views
        self.fail_on = 0

    async def handle(self, event: Recorded[object]) -> None:
        match event.data:
            case Added(units=units):
                await self.views.insert(StockView(id=event.stream, units=units))
                if units == self.fail_on:
                    raise Poisonous
            case _:
                pass


async def test_an_injected_store_joins_the_running_transaction(shop: Shop) -> None:
    handler = SeedStyle(shop.views)
    handler.fail_on = 2
    synchronizer = shop.synchronizer(handler)
    await shop.append("item-1", Added(units=1), Noted())
    await shop.append("item-2", Added(units=2))
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await shop.stock() == {"item-1": 1}  # the insert of the failed event was taken back


async def a_history(shop: Shop) -> None:
    for number in range(40):
        await shop.append(f"item-{number % 4}", Added(units=1), Removed(units=0))


async def assert_each_effect_once(shop: Shop) -> None:
    items = [f"item-{number}" for number in range(4)]
    assert await shop.stock() == dict.fromkeys(items, 10)
    assert await shop.events_seen() == dict.fromkeys(items, 20)


async def test_a_store_that_fails_around_commits_has_each_effect_once(shop: Shop) -> None:
    """Before a commit nothing is there, after it everything is, and the runner cannot tell which it was."""
    await a_history(shop)
    store, dice, failures = FaultyStore(shop.engine), random.Random(7), 0

    def fail(_: ProjectionCommit) -> None:
        nonlocal failures
        if dice.random() < 0.3:
            failures += 1
            raise StoreBusy("no")

    store.before = store.after = fail
    synchronizer = shop.synchronizer(Stock(), parts=shop.fresh_parts(store=store), options=shop.small_pages)
    await synchronizer.start()
    await synchronizer.caught_up(timeout=3_600)
    await synchronizer.stop()
    assert failures > 5
    assert await shop.engine.parking.parked() == []  # no event is to blame
    await assert_each_effect_once(shop)


async def test_killed_at_any_await_each_effect_is_there_once(shop: Shop) -> None:
    await a_history(shop)
    for ticks in range(60):
        synchronizer = shop.synchronizer(Stock(), options=shop.small_pages)
        await synchronizer.start()
        for _ in range(ticks % 23):
            await asyncio.sleep(0)
        await synchronizer.stop(drain=0)
        shop.clock.advance(60)  # a lease that was taken in the last moment runs out
    synchronizer = shop.synchronizer(Stock(), options=shop.small_pages)
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    await assert_each_effect_once(shop)


async def test_a_checkpoint_is_kept_past_events_nobody_handles(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    await synchronizer.start()
    await shop.append("item-1", Noted(), Noted())
    await synchronizer.caught_up()
    await synchronizer.stop()
    partition, offset = await shop.engine.log.offset_of("item-1", 2) or (0, -1)
    checkpoint = await shop.engine.projections.checkpoint(Place("stock", partition))
    assert checkpoint.offset == offset + 1


async def test_events_nobody_handles_cost_no_commit_each(shop: Shop) -> None:
    store, commits = FaultyStore(shop.engine), list[ProjectionCommit]()
    store.after = commits.append
    options = RunnerOptions(save_every=20, save_seconds=60)
    synchronizer = shop.synchronizer(Stock(), parts=shop.fresh_parts(store=store), options=options)
    await synchronizer.start()
    for _ in range(50):
        await shop.append("item-1", Noted())
        await synchronizer.caught_up()
    await synchronizer.stop()
    assert len(commits) <= shop.engine.log.partitions + 50 // 20 + 1  # one to take over, one at the end


async def test_two_processes_share_the_work_and_stop_gives_it_back(shop: Shop) -> None:
    first = shop.synchronizer(Stock())
    second = shop.synchronizer(Stock(), parts=shop.fresh_parts())
    await first.start()
    await first.caught_up()
    await second.start()
    await shop.append("item-1", Added(units=1))
    await second.caught_up()  # by the other one
    assert not any(status.running for status in await second.status())
    await first.stop()
    await shop.append("item-1", Added(units=1))
    await second.caught_up()
    assert all(status.running for status in await second.status())
    await second.stop()
    assert all(status.owner is None for status in await second.status())
    assert await shop.events_seen() == {"item-1": 2}


async def test_a_zombie_commits_nothing(shop: Shop) -> None:
    """A runner that slept through its lease finds that another one has taken over."""
    await shop.append("item-1", Added(units=1))
    asleep, wake = asyncio.Event(), asyncio.Event()

    class Sleepy(Stock, name="stock"):
        @on(Added)
        async def added(self, e: Recorded[Added], views: Views) -> None:
            await super().added(e, views)
            asleep.set()
            await wake.wait()

    zombie = shop.synchronizer(Sleepy())
    await zombie.start()
    await asleep.wait()
    shop.clock.advance(60)
    heir = shop.synchronizer(Stock(), parts=shop.fresh_parts())
    await heir.start()
    await heir.caught_up()
    commits = (await shop.engine.projections.checkpoints())[0]
    wake.set()
    await zombie.stop()
    await heir.stop()
    assert commits.epoch == 2
    assert await shop.events_seen() == {"item-1": 1}


async def test_a_checkpoint_beyond_the_log_is_refused(shop: Shop) -> None:
    await shop.engine.projections.commit(ProjectionCommit(place=Place("stock"), epoch=1, start=0, next=99))
    with pytest.raises(CheckpointAheadOfLog, match="restored"):
        await shop.synchronizer(Stock()).start()


async def test_listeners_hear_of_a_parked_event_and_may_fail(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    stock, heard = Stock(), list[tuple[str, object]]()
    stock.poison = {13}
    synchronizer = shop.synchronizer(stock)

    async def listen(error: Exception, event: Recorded[object]) -> None:
        heard.append((str(error), event.data))
        await synchronizer.dead_letters.add(event, error)

    def broken(error: Exception, event: Recorded[object]) -> None:
        raise RuntimeError("the listener itself")

    synchronizer.on("projection_error", broken)
    synchronizer.on("projection_error", listen)
    await shop.append("item-1", Added(units=13))
    with caplog.at_level(logging.ERROR, "headwater.projections"):
        await synchronizer.start()
        await synchronizer.caught_up()
        await synchronizer.stop()
    assert heard == [("13 units", Added(units=13))]
    assert "listener failed" in caplog.text
    assert [event.attempts for event in await synchronizer.dead_letters.list()] == [3]


async def test_status_says_where_everything_stands(shop: Shop) -> None:
    stock = Stock()
    stock.poison = {13}
    synchronizer = shop.synchronizer(stock)
    await shop.append("item-1", Added(units=13), Added(units=1))
    partition, offset = await shop.engine.log.offset_of("item-1", 2) or (0, 0)
    before = (await synchronizer.status())[partition]
    assert (before.offset, before.head, before.lag, before.running, before.owner) == (0, 2, 2, False, None)
    await synchronizer.start()
    await synchronizer.caught_up()
    after = (await synchronizer.status())[partition]
    await synchronizer.stop()
    assert (after.projection, after.partition, after.offset, after.lag) == ("stock", partition, offset + 1, 0)
    assert (after.running, after.parked) == (True, 2)
    assert after.owner is not None


async def test_nobody_running_is_a_timeout_by_the_clock(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    parts = shop.fresh_parts(wakeups=shop.hasty_wakeups())
    with pytest.raises(ConsistencyTimeout):
        await shop.synchronizer(Stock(), parts=parts).caught_up(timeout=3)


def test_an_occasion_nobody_knows_is_refused(shop: Shop) -> None:
    with pytest.raises(UnknownName):
        shop.synchronizer(Stock()).on("projectionError", lambda *_: None)  # type: ignore[arg-type]


def test_two_projections_cannot_write_one_model(shop: Shop) -> None:
    with pytest.raises(DuplicateName, match="both write StockView"):
        shop.synchronizer(Stock(), SeedStyle(shop.views))
    with pytest.raises(DuplicateName, match="called 'stock'"):
        shop.synchronizer(Stock(), Stock())


def test_checkpoints_lie_in_one_place(shop: Shop) -> None:
    made = ReadModelSynchronizer(shop, event_store=shop.engine, checkpoint_store="projection_checkpoints")
    assert made.projections == {}
    with pytest.raises(BadDeclaration, match="checkpoint_store"):
        ReadModelSynchronizer(shop, checkpoint_store="elsewhere")

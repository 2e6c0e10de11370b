"""What keeps a projection from going on is written beside its checkpoint, for every process to see and to honour."""

from __future__ import annotations

import asyncio
import os

import pytest

from headwater.consistency.waiting import TokenWaiter
from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import ConsistencyTimeout, StoreBusy
from headwater.ports.conditions import Trouble
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.error_policy import ErrorPolicy
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import RunnerOptions
from tests.projections.shop import Added, FaultyStore, Poisonous, Shop, Stock, StockView, no_sleep, until

pytestmark = pytest.mark.above_engines


class Outage:
    """A projection store that refuses commits with changes while it lasts, and a runner that waits to be let on."""

    def __init__(self, shop: Shop, error: Exception | None = None) -> None:
        self.shop = shop
        self.error: Exception | None = error or StoreBusy("no answer")
        self.pauses: list[float] = []
        self.go_on = asyncio.Semaphore(0)
        store = FaultyStore(shop.engine)
        store.before = self._refuse
        options = RunnerOptions(sleep=self._sleep, pause=2.0, longest_pause=10.0, lease_seconds=600, save_seconds=0.01)
        self.stock = Stock()
        self.synchronizer = shop.synchronizer(self.stock, parts=shop.fresh_parts(store=store), options=options)

    def _refuse(self, commit: ProjectionCommit) -> None:
        if self.error is not None and commit.changes:
            raise self.error

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self.go_on.acquire()
        self.shop.clock.advance(seconds)

    async def failed(self, times: int) -> Trouble:
        """The trouble, once it has been met so often."""
        await until(self.shop, self._failures, times)
        return (await self.shop.engine.conditions.troubles())[0]

    async def _failures(self) -> int:
        return sum([trouble.failures for trouble in await self.shop.engine.conditions.troubles()])


async def test_it_says_what_where_since_when_by_whom_and_until_when(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    outage = Outage(shop)
    met_at = shop.clock.micros()
    await outage.synchronizer.start()
    trouble = await outage.failed(1)
    place = (await shop.engine.log.offset_of("item-1", 1) or (0, 0))[0]
    assert trouble.place == Place("stock", place)
    assert (trouble.kind, trouble.error, trouble.offset) == ("store", "StoreBusy: no answer", 0)
    assert (trouble.since, trouble.failures, trouble.retry_at) == (met_at, 1, met_at + 2_000_000)
    assert f":{os.getpid()}:" in trouble.owner
    status = next(s for s in await outage.synchronizer.status() if s.partition == place)
    assert (status.condition, status.failed, status.trouble) == ("failing", "StoreBusy: no answer", trouble)
    await outage.synchronizer.stop(drain=0)


async def test_each_failure_in_a_row_doubles_the_rest(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    outage = Outage(shop)
    await outage.synchronizer.start()
    first = trouble = await outage.failed(1)
    for failures in range(2, 6):
        outage.go_on.release()
        trouble = await outage.failed(failures)
    assert (trouble.since, trouble.failures) == (first.since, 5)
    assert trouble.retry_at == shop.clock.micros() + 10_000_000
    await outage.synchronizer.stop(drain=0)
    assert outage.pauses[:4] == [2, 4, 8, 10]


async def test_it_is_gone_when_the_projection_goes_on(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    outage = Outage(shop)
    await outage.synchronizer.start()
    await outage.failed(1)
    outage.error = None
    outage.go_on.release()
    await outage.synchronizer.caught_up()
    await until(shop, shop.engine.conditions.troubles, [])
    assert {s.condition for s in await outage.synchronizer.status()} == {"running"}
    assert await shop.stock() == {"item-1": 1}
    await outage.synchronizer.stop()


async def test_another_process_leaves_the_place_alone_meanwhile(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    outage = Outage(shop)
    await outage.synchronizer.start()
    trouble = await outage.failed(1)
    lease = trouble.place.lease
    await until(shop, lambda: _is_free(shop, lease), True)
    await outage.synchronizer.stop(drain=0)
    assert await shop.engine.leases.acquire(lease, "another process", 5) is None
    shop.clock.advance(1.9)
    assert await shop.engine.leases.acquire(lease, "another process", 5) is None
    shop.clock.advance(0.2)
    assert await shop.engine.leases.acquire(lease, "another process", 5) is not None


async def _is_free(shop: Shop, name: str) -> bool:
    return name not in {lease.name for lease in await shop.engine.leases.holders()}


async def test_failures_in_a_row_are_counted_over_processes(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    first = Outage(shop)
    await first.synchronizer.start()
    began = await first.failed(1)
    await first.synchronizer.stop(drain=0)
    shop.clock.advance(3)
    second = Outage(shop)
    await second.synchronizer.start()
    trouble = await second.failed(2)
    await second.synchronizer.stop(drain=0)
    assert trouble.since == began.since
    assert trouble.owner != began.owner
    assert trouble.retry_at == shop.clock.micros() + 4_000_000


async def test_a_store_that_does_not_answer_parks_nothing(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1), Added(units=2))
    outage = Outage(shop)
    await outage.synchronizer.start()
    await outage.failed(1)
    outage.go_on.release()
    await outage.failed(2)
    assert await shop.engine.parking.parked() == []
    outage.error = None
    outage.go_on.release()
    await outage.synchronizer.caught_up()
    assert await shop.events_seen() == {"item-1": 2}
    await outage.synchronizer.stop()


async def test_what_nobody_foresaw_is_tried_again_too(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    outage = Outage(shop, OSError("the cable"))
    await outage.synchronizer.start()
    trouble = await outage.failed(1)
    assert (trouble.kind, trouble.error) == ("unexpected", "OSError: the cable")
    outage.error = None
    outage.go_on.release()
    await outage.synchronizer.caught_up()
    await outage.synchronizer.stop()


async def test_a_full_lot_holds_up_new_failing_keys_only(shop: Shop) -> None:
    stock = Stock()
    stock.poison = {13}
    await shop.append("item-1", Added(units=13))
    options = RunnerOptions(sleep=no_sleep, parked_keys=1, pause=2.0, watch_seconds=0.05)
    synchronizer = shop.synchronizer(stock, options=options)
    await synchronizer.start()
    await synchronizer.caught_up()
    await shop.append("item-1", Added(units=1), Added(units=2))
    await synchronizer.caught_up()
    assert len(await synchronizer.dead_letters.list()) == 3
    assert await shop.engine.conditions.troubles() == []
    await synchronizer.stop()


async def test_a_key_too_many_is_said(shop: Shop) -> None:
    """Two bad keys in one partition."""
    stock = Stock()
    stock.poison = {13}
    first = await shop.append("item-1", Added(units=13))
    partition = (await shop.engine.log.offset_of(*first.writes[0]) or (0, 0))[0]
    other, elsewhere = 2, list[str]()
    while True:
        token = await shop.append(f"item-{other}", Added(units=13))
        if (await shop.engine.log.offset_of(*token.writes[0]) or (0, 0))[0] == partition:
            break
        elsewhere.append(f"item-{other}")
        other += 1
    options = RunnerOptions(sleep=shop.sleep, parked_keys=1, pause=2.0)
    synchronizer = shop.synchronizer(stock, options=options)
    await synchronizer.start()

    async def kinds() -> set[str]:
        return {trouble.kind for trouble in await shop.engine.conditions.troubles()}

    await until(shop, kinds, {"parking"})
    trouble, *_ = await shop.engine.conditions.troubles()
    assert "has 1 keys parked, as many as may be" in trouble.error
    assert trouble.offset == 1
    assert trouble.retry_at is not None
    await synchronizer.stop(drain=0)
    stock.poison.clear()
    for key in [event.key for event in await synchronizer.dead_letters.list() if event.key != "item-1"]:
        await synchronizer.dead_letters.retry("stock", key=key)
    retried = await synchronizer.dead_letters.retry("stock", key="item-1")
    assert retried.parked == 0  # at once, or as soon as the place need not be left alone
    again = shop.synchronizer(stock)
    shop.clock.advance(10)
    await again.start()
    await again.caught_up()
    await again.stop()
    assert await shop.stock() == {"item-1": 13, f"item-{other}": 13} | dict.fromkeys(elsewhere, 13)
    assert await shop.engine.conditions.troubles() == []


async def test_a_checkpoint_beyond_the_log_is_refused_at_the_start(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1))
    synchronizer = shop.synchronizer(Stock())
    await synchronizer.start()
    await synchronizer.caught_up()
    ahead = Place("stock", 0, 0)
    kept = await shop.engine.projections.checkpoint(ahead)
    move = ProjectionCommit(place=ahead, epoch=kept.epoch + 5, start=kept.offset, next=99)
    await shop.engine.projections.commit(move)
    await shop.append("item-1", Added(units=1))
    shop.clock.advance(60)
    for number in range(2, 12):
        await shop.append(f"item-{number}", Added(units=1))

    async def kinds() -> set[str]:
        return {trouble.kind for trouble in await shop.engine.conditions.troubles()}

    await until(shop, kinds, {"log"})
    (trouble,) = await shop.engine.conditions.troubles()
    assert trouble.retry_at is None
    assert "restored from an older backup" in trouble.error
    await synchronizer.stop()


class Leaving(ProjectionHandler, writes=[StockView], name="leaving"):
    @on(Added)
    async def added(self, e: Recorded[Added]) -> None:
        raise SystemExit(3)


class Strict(Stock, name="strict", errors={Poisonous: ErrorPolicy(retries=0, then="stop")}):
    pass


@pytest.mark.parametrize(("name", "kind"), [("leaving", "handler"), ("strict", "event")])
async def test_what_ends_a_projection_for_good_is_not_tried_again(shop: Shop, name: str, kind: str) -> None:
    strict = Strict()
    strict.poison = {13}
    synchronizer = shop.synchronizer(Leaving() if name == "leaving" else strict)
    token = await shop.append("item-1", Added(units=13))
    await synchronizer.start()
    waiter = TokenWaiter(shop.parts, synchronizer.projections, shop.identity)
    with pytest.raises(ConsistencyTimeout, match="runs here no more") as late:
        await waiter.wait(token, [name], timeout=3_600)
    assert late.value.__cause__ is not None
    (trouble,) = await shop.engine.conditions.troubles()
    assert (trouble.kind, trouble.retry_at, trouble.failures) == (kind, None, 1)
    await synchronizer.stop()


async def test_waiting_for_a_place_in_trouble_ends_with_the_time(shop: Shop) -> None:
    token = await shop.append("item-1", Added(units=1))
    outage = Outage(shop)
    await outage.synchronizer.start()
    await outage.failed(1)
    waiter = TokenWaiter(shop.fresh_parts(), outage.synchronizer.projections, shop.identity)
    with pytest.raises(ConsistencyTimeout, match="committed, view late"):
        await waiter.wait(token, ["stock"], timeout=0)
    await outage.synchronizer.stop(drain=0)

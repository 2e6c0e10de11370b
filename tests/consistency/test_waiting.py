"""Reading one's own writes: waiting for a token."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from headwater.commands.repository import Repository
from headwater.consistency.waiting import TokenWaiter
from headwater.domain.aggregate import Aggregate
from headwater.domain.event import Recorded
from headwater.domain.messages import Command
from headwater.domain.on import on
from headwater.domain.token import Token
from headwater.errors import ConsistencyTimeout, InvalidInput, InvalidToken, StoreUnavailable, UnknownName, ViewParked
from headwater.handling.routing import handles
from headwater.manager import CQRSManager
from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions
from headwater.ports.log import Log
from headwater.projections.batch import BatchProjectionHandler
from headwater.projections.parts import ProjectionParts
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from tests.projections.shop import Added, Noted, Shop, Stock, StockView


def waiter(shop: Shop, synchronizer: ReadModelSynchronizer, parts: ProjectionParts | None = None) -> TokenWaiter:
    return TokenWaiter(parts or shop.parts, synchronizer.projections, shop.identity)


async def test_after_the_wait_the_view_has_the_write(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    wait = waiter(shop, synchronizer).wait
    early = await shop.append("item-0", Added(units=1))
    await synchronizer.start()
    await wait(early, [Stock], timeout=5)
    for number in range(1, 5):
        token = await shop.append(f"item-{number}", Added(units=number))
        await wait(token, [Stock], timeout=5)
        assert (await shop.stock())[f"item-{number}"] == number
    await synchronizer.stop()


async def test_many_wait_at_once(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    await synchronizer.start()
    wait = waiter(shop, synchronizer).wait

    async def write_and_read(number: int) -> int:
        token = await shop.append(f"item-{number}", Added(units=number))
        await wait(token, [StockView], timeout=5)
        return (await shop.stock())[f"item-{number}"]

    assert await asyncio.gather(*map(write_and_read, range(20))) == list(range(20))
    await synchronizer.stop()


async def test_events_nobody_handles_are_passed(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    await synchronizer.start()
    token = await shop.append("item-1", Noted())
    await waiter(shop, synchronizer).wait(token, ["stock"], timeout=5)
    await synchronizer.stop()


async def test_the_projection_may_run_in_another_process(shop: Shop) -> None:
    elsewhere = shop.synchronizer(Stock())
    await elsewhere.start()
    here = shop.fresh_parts()
    token = await shop.append("item-1", Added(units=1))
    await waiter(shop, elsewhere, here).wait(token, [Stock], timeout=5)
    assert await shop.stock() == {"item-1": 1}
    await elsewhere.stop()


async def test_a_token_without_events_needs_no_wait(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    await waiter(shop, synchronizer).wait(Token(shop.identity.store_id, ()), [Stock], timeout=0)


async def test_text_is_a_token_and_no_projection_means_all(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    token = await shop.append("item-1", Added(units=1))
    text = token.to_text(shop.identity.secret)
    at_least = waiter(shop, synchronizer).wait_at_least
    with pytest.raises(ConsistencyTimeout):
        await at_least(text, [], timeout=0)
    await synchronizer.start()
    await at_least(text, [], timeout=5)
    with pytest.raises(InvalidToken):
        await at_least(text + "x", [], timeout=5)
    await synchronizer.stop()


async def test_late_says_committed_and_keeps_the_token(shop: Shop) -> None:
    """Nobody runs the projection; the clock says when it is enough."""
    parts = shop.fresh_parts(wakeups=shop.hasty_wakeups())
    synchronizer = shop.synchronizer(Stock(), parts=parts)
    token = await shop.append("item-1", Added(units=1))
    began = shop.clock.micros()
    with pytest.raises(ConsistencyTimeout, match="committed, view late") as late:
        await waiter(shop, synchronizer, parts).wait(token, [Stock], timeout=3)
    assert shop.clock.micros() - began == 3_000_000
    assert (late.value.token, late.value.projection) == (token, "stock")


async def test_late_says_that_it_is_paused_by_whom_and_why(shop: Shop) -> None:
    parts = shop.fresh_parts(wakeups=shop.hasty_wakeups())
    synchronizer = shop.synchronizer(Stock(), parts=parts)
    await synchronizer.pause(Stock, reason="a migration", by="ann")
    token = await shop.append("item-1", Added(units=1))
    with pytest.raises(ConsistencyTimeout, match=r"it is paused by ann \(a migration\): resume it, then ask again"):
        await waiter(shop, synchronizer, parts).wait(token, [Stock], timeout=3)


async def test_a_clock_that_steps_back_makes_no_wait_longer(shop: Shop) -> None:
    wakeups = shop.hasty_wakeups(back=3_600)
    parts = shop.fresh_parts(wakeups=wakeups)
    token = await shop.append("item-1", Added(units=1))
    with pytest.raises(ConsistencyTimeout):
        await waiter(shop, shop.synchronizer(Stock()), parts).wait(token, [Stock], timeout=3)
    assert wakeups.waited == [3]


async def test_an_event_that_is_not_in_the_log_yet_is_waited_for(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    await synchronizer.start()
    ahead = Token(shop.identity.store_id, (("item-1", 1),))
    wait = asyncio.create_task(waiter(shop, synchronizer).wait(ahead, [Stock], timeout=5))
    await shop.append("item-2", Added(units=1))
    assert not wait.done()
    await shop.append("item-1", Added(units=1))
    await wait
    assert (await shop.stock())["item-1"] == 1
    await synchronizer.stop()


@pytest.mark.parametrize("process", ["this one", "another"])
async def test_a_parked_event_is_not_visible(shop: Shop, process: str) -> None:
    stock = Stock()
    stock.poison = {13}
    synchronizer = shop.synchronizer(stock)
    await synchronizer.start()
    wait = waiter(shop, synchronizer, shop.parts if process == "this one" else shop.fresh_parts()).wait
    bad = await shop.append("item-1", Added(units=13))
    behind = await shop.append("item-1", Added(units=1))
    beside = await shop.append("item-1", Noted())
    for token in (bad, behind, beside):
        with pytest.raises(ViewParked, match="Poisonous: 13 units") as parked:
            await wait(token, [Stock], timeout=5)
        assert (parked.value.token, parked.value.projection) == (token, "stock")
        assert parked.value.cause == "Poisonous: 13 units"
    free = await shop.append("item-2", Added(units=2))
    await wait(free, [Stock], timeout=5)
    stock.poison.clear()
    await synchronizer.dead_letters.retry(Stock)
    await wait(behind, [Stock], timeout=5)
    await synchronizer.stop()


async def test_a_token_of_another_store_is_refused(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    with pytest.raises(InvalidToken, match="another store"):
        await waiter(shop, synchronizer).wait(Token("elsewhere", (("item-1", 1),)), [Stock], timeout=1)


async def test_what_is_no_token_is_refused(shop: Shop) -> None:
    no_token: Any = 5
    with pytest.raises(InvalidToken, match="the token of a receipt"):
        await waiter(shop, shop.synchronizer(Stock())).wait_at_least(no_token, [Stock], timeout=1)


async def test_an_unknown_projection_is_refused(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Stock())
    token = await shop.append("item-1", Added(units=1))
    with pytest.raises(UnknownName):
        await waiter(shop, synchronizer).wait(token, ["users"], timeout=1)


@pytest.mark.parametrize("wait_for", ["stock", Stock])
async def test_what_is_no_list_of_projections_is_refused(shop: Shop, wait_for: Any) -> None:
    with pytest.raises(InvalidInput, match="takes a list of projections"):
        waiter(shop, shop.synchronizer(Stock())).check(wait_for, timeout=1)


@pytest.mark.parametrize("timeout", [-1.0, math.nan, math.inf])
async def test_what_is_no_number_of_seconds_is_refused(shop: Shop, timeout: float) -> None:
    with pytest.raises(InvalidInput, match="seconds"):
        waiter(shop, shop.synchronizer(Stock())).check([Stock], timeout)


class Add(Command[None]):
    id: str


class Item(Aggregate, category="item"):
    @on(Added)
    def added(self, e: Added) -> None:
        pass


@handles(Add)
async def add(c: Add, items: Repository[Item]) -> None:
    await items.save(Item.new(c.id, Added(units=1)))


async def test_a_wait_that_cannot_be_is_refused_before_the_command_runs() -> None:
    async with CQRSManager("memory://", handlers=[add], projections=[Stock()]) as cqrs:
        with pytest.raises(UnknownName):
            await cqrs.commands.execute(Add(id="i1"), wait_for=["stok"])
        assert await cqrs.repository(Item).get_by_id("i1") is None


class Collected(BatchProjectionHandler, writes=[StockView]):
    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.add(StockView, e.stream, units=e.data.units)


async def test_who_waits_does_not_wait_for_a_batch_to_fill(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Collected(flush_interval=3600))
    wait = waiter(shop, synchronizer).wait
    early = asyncio.create_task(wait(await shop.append("item-0", Added(units=1)), [Collected], timeout=3600))
    await synchronizer.start()
    await early
    for number in range(1, 5):
        await wait(await shop.append(f"item-{number}", Added(units=1)), [Collected], timeout=3600)
        assert len(await shop.stock()) == number + 1
    await synchronizer.stop()


class LostLog:
    """A log that takes appends and can no longer be asked where they are."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    async def offset_of(self, stream: str, version: int) -> tuple[int, int] | None:
        raise StoreUnavailable("the disk is gone")


async def test_a_store_that_fails_during_the_wait_does_not_deny_the_commit() -> None:
    engine: Any = open_engine("memory://", EngineOptions())
    engine.log = LostLog(engine.log)
    async with CQRSManager(engine, handlers=[add], projections=[Stock()], run_projections=False) as cqrs:
        with pytest.raises(ConsistencyTimeout, match="committed") as late:
            await cqrs.commands.execute(Add(id="i1"), wait_for=[Stock])
        assert isinstance(late.value.__cause__, StoreUnavailable)
        assert await cqrs.repository(Item).get_by_id("i1") is not None

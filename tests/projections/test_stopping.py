"""How runners end: told to, cancelled, or by their own handler."""

from __future__ import annotations

import asyncio

import pytest

from headwater.consistency.waiting import TokenWaiter
from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import ConsistencyTimeout, HandlerExited
from headwater.projections.batch import BatchProjectionHandler
from headwater.projections.handler import ProjectionHandler
from tests.projections.shop import Added, Shop, StockView

pytestmark = pytest.mark.above_engines


class Stuck(ProjectionHandler, writes=[StockView], name="stuck"):
    """Never ends an event."""

    def __init__(self) -> None:
        self.began = asyncio.Event()

    @on(Added)
    async def added(self, e: Recorded[Added]) -> None:
        self.began.set()
        await asyncio.Event().wait()


class Fatal(BaseException):
    pass


class Leaving(ProjectionHandler, writes=[StockView], name="leaving"):
    def __init__(self, error: BaseException) -> None:
        self.error = error

    @on(Added)
    async def added(self, e: Recorded[Added]) -> None:
        raise self.error


class LeavingLanes(BatchProjectionHandler, writes=[StockView], name="leaving", key="units"):
    @on(Added)
    async def added(self, e: Recorded[Added]) -> None:
        raise SystemExit(3)


async def test_a_stop_that_is_cancelled_ends_every_runner_at_once(shop: Shop) -> None:
    stuck = Stuck()
    synchronizer = shop.synchronizer(stuck)
    await synchronizer.start()
    await shop.append("item-1", Added(units=1))
    await stuck.began.wait()
    stopping = asyncio.create_task(synchronizer.stop(drain=3600))
    await asyncio.sleep(0)  # it waits for the page
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert await shop.engine.leases.holders() == []
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("projection:")]


async def test_waiting_for_a_handler_is_said(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    stuck = Stuck()
    synchronizer = shop.synchronizer(stuck)
    await synchronizer.start()
    await shop.append("item-1", Added(units=1))
    await stuck.began.wait()
    await synchronizer.stop(drain=1.05)
    assert "for what projection:stuck:" in caplog.text
    assert await shop.engine.leases.holders() == []


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), Fatal("it is over")], ids=repr)
async def test_a_handler_that_leaves_is_told_of(
    shop: Shop, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    synchronizer = shop.synchronizer(Leaving(error))
    await synchronizer.start()
    token = await shop.append("item-1", Added(units=1))
    said = f"a handler of 'leaving' raised {type(error).__name__}"
    waiter = TokenWaiter(shop.parts, synchronizer.projections, shop.identity)
    with pytest.raises(ConsistencyTimeout, match=f"committed, view late: 'leaving' runs here no more .{said}") as late:
        await waiter.wait(token, ["leaving"], timeout=3600)
    assert isinstance(late.value.__cause__, HandlerExited)
    with pytest.raises(ConsistencyTimeout, match=said):
        await synchronizer.caught_up(timeout=3600)
    (failed,) = [status.failed for status in await synchronizer.status() if status.failed is not None]
    assert failed.startswith(said)
    assert [record.levelname for record in caplog.records if said in record.message] == ["ERROR"]
    assert await synchronizer.dead_letters.list() == []
    await synchronizer.stop()


async def test_one_lane_that_leaves_ends_the_projection(shop: Shop) -> None:
    synchronizer = shop.synchronizer(LeavingLanes(parallelism=2))
    for number in range(8):
        await shop.append(f"item-{number}", Added(units=1))
    await synchronizer.start()
    with pytest.raises(ConsistencyTimeout, match="raised SystemExit"):
        await synchronizer.caught_up(timeout=3600)
    await synchronizer.stop()


async def test_started_again_it_goes_on_from_there(shop: Shop) -> None:
    synchronizer = shop.synchronizer(leaving := Leaving(SystemExit(3)))
    await synchronizer.start()
    await shop.append("item-1", Added(units=1))
    with pytest.raises(ConsistencyTimeout):
        await synchronizer.caught_up(timeout=3600)
    await synchronizer.stop()
    leaving.error = ValueError("parked, like any other")
    await synchronizer.start()
    await synchronizer.caught_up(timeout=3600)
    assert len(await synchronizer.dead_letters.list()) == 1
    await synchronizer.stop()

"""Started over in place: a projection, a partition or a stream, while the rest runs; refused where rows are shared."""

from __future__ import annotations

import asyncio

import pytest

from headwater.consistency.waiting import TokenWaiter
from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.domain.token import Token
from headwater.errors import ConsistencyTimeout, InvalidVersion, ResetRefused, UnknownName
from headwater.models.changes import Insert
from headwater.models.model import Key, ReadModel
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.fold import Fold
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import RunnerOptions
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from tests.projections.mail import history
from tests.projections.shop import Added, Poisonous, Shop, Stock, StockView, no_sleep

OPTIONS = RunnerOptions(sleep=no_sleep, save_seconds=0.01, watch_seconds=0.05, batch_size=5)
ITEMS = [f"item-{number}" for number in range(8)]


class Counted(ReadModel, table="counted"):
    id: Key[str]
    units: int = 0
    events: int = 0


class Counting(Fold[Counted], category="item", name="counting"):
    """Keyed by the stream. Remembers what it has seen; refuses the amounts in `poison`."""

    def __init__(self, poison: set[int] | None = None) -> None:
        self.poison = poison or set()
        self.seen: list[str] = []

    @on(Added)
    def added(self, row: Counted | None, e: Recorded[Added]) -> Counted | None:
        if e.data.units in self.poison:
            raise Poisonous(f"{e.data.units} units")
        self.seen.append(e.stream)
        before = row or Counted(id=e.stream.partition("-")[2])
        return Counted(id=before.id, units=before.units + e.data.units, events=before.events + 1)


class Coming(ProjectionHandler, writes=[StockView], name="coming"):
    """Another projection of the same events."""

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.add(StockView, e.stream, events=1)


async def process(shop: Shop, *handlers: ProjectionHandler) -> ReadModelSynchronizer:
    synchronizer = shop.synchronizer(*handlers, parts=shop.fresh_parts(), options=OPTIONS)
    await synchronizer.start()
    await synchronizer.caught_up()
    return synchronizer


async def counts(shop: Shop) -> dict[str, int]:
    return {row.id: row.events for row in await shop.views.find(Counted)}


async def spoil(shop: Shop, *ids: str) -> None:
    """Rows as no events have made them."""
    await shop.engine.projections.write([Insert(Counted(id=id, units=-1, events=-1)) for id in ids])


async def partition_of(shop: Shop, stream: str) -> int:
    place = await shop.engine.log.offset_of(stream, 1)
    assert place is not None
    return place[0]


WHOLE = {str(number): 5 for number in range(8)}


async def test_the_whole_of_a_projection(shop: Shop) -> None:
    await history(shop, events=40, items=8)
    counting = Counting()
    running = await process(shop, counting)
    await spoil(shop, "0", "stray")
    await running.reset(Counting, by="ops")
    await running.caught_up()
    assert await counts(shop) == WHOLE
    assert len(counting.seen) == 80
    assert [(e.action, e.subject, e.by) for e in await shop.engine.journal.entries()] == [
        ("projection.reset", "counting", "ops")
    ]
    await running.stop()


async def test_it_is_the_same_whoever_runs_it(shop: Shop) -> None:
    """Asked for in one process, done under the leases of another."""
    await history(shop, events=40, items=8)
    running = await process(shop, Counting())
    await spoil(shop, "0", "stray")
    operator = shop.synchronizer(Counting(), parts=shop.fresh_parts(), options=OPTIONS)
    await operator.reset("counting")
    await running.caught_up()
    assert await counts(shop) == WHOLE
    await running.stop()


async def test_other_projections_go_on_meanwhile(shop: Shop) -> None:
    await history(shop, events=40, items=8)
    running = await process(shop, Counting(), Coming())
    before = {s.partition: s.offset for s in await running.status() if s.projection == "coming"}
    await running.reset("counting")
    assert {s.partition: s.offset for s in await running.status() if s.projection == "coming"} == before
    assert await shop.events_seen() == dict.fromkeys(ITEMS, 5)
    await running.stop()


async def test_any_projection_can_be_started_over_as_a_whole(shop: Shop) -> None:
    await history(shop, events=40, items=8)
    running = await process(shop, Stock())
    await running.reset(Stock)
    await running.caught_up()
    assert await shop.events_seen() == dict.fromkeys(ITEMS, 5)
    await running.stop()


async def test_one_partition(shop: Shop) -> None:
    await history(shop, events=40, items=8)
    counting = Counting()
    running = await process(shop, counting)
    partition = await partition_of(shop, "item-0")
    mine = [item for item in ITEMS if await partition_of(shop, item) == partition]
    counting.seen.clear()
    await spoil(shop, "0", "stray")
    await running.reset("counting", partition=partition)
    await running.caught_up()
    assert set(counting.seen) == set(mine)
    assert len(counting.seen) == 5 * len(mine)
    stray = {} if shop.engine.log.partitions == 1 else {"stray": -1}  # of no stream: it is nobody's here
    past = {"0": 4} if shop.parts.by_event else {}  # goes on from what was written past it: see docs/cassandra.md
    assert await counts(shop) == WHOLE | stray | past
    await running.stop()


async def test_one_stream(shop: Shop) -> None:
    await history(shop, events=40, items=8)
    counting = Counting()
    running = await process(shop, counting)
    counting.seen.clear()
    await spoil(shop, "0", "1")
    await running.reset("counting", stream="item-0")
    assert await counts(shop) == WHOLE | {"1": -1}
    assert counting.seen == ["item-0"] * 5
    await shop.append("item-0", Added(units=1))
    await running.caught_up()
    await running.stop()
    assert (await counts(shop))["0"] == 6


async def test_a_stream_with_parked_events_is_freed_or_parked_anew(shop: Shop) -> None:
    await shop.append("item-0", Added(units=1), Added(units=13), Added(units=2))
    await shop.append("item-1", Added(units=13))
    counting = Counting({13})
    running = await process(shop, counting)
    await running.reset("counting", stream="item-0")
    assert [e.key for e in await running.dead_letters.list()].count("item-0") == 2
    counting.poison.clear()
    await running.reset("counting", stream="item-0")
    await running.caught_up()
    assert [e.key for e in await running.dead_letters.list()] == ["item-1"]
    assert await counts(shop) == {"0": 3}
    await running.stop()


async def test_what_is_parked_goes_with_a_reset(shop: Shop) -> None:
    await shop.append("item-0", Added(units=13), Added(units=2))
    counting = Counting({13})
    running = await process(shop, counting)
    assert len(await running.dead_letters.list()) == 2
    counting.poison.clear()
    await running.reset("counting")
    await running.caught_up()
    assert await running.dead_letters.list() == []
    assert await counts(shop) == {"0": 2}
    await running.stop()


class ByAmount(Fold[Counted], key="units", category="item", name="by_amount"):
    @on(Added)
    def added(self, row: Counted | None, e: Recorded[Added]) -> Counted | None:
        return Counted(id=str(e.data.units), events=1 + (row.events if row else 0))


@pytest.mark.parametrize("handler", [Stock, Coming, ByAmount])
async def test_rows_that_may_be_fed_by_several_streams_are_refused(
    shop: Shop, handler: type[ProjectionHandler]
) -> None:
    await history(shop, events=40, items=8)
    running = await process(shop, handler())
    before = await running.status()
    with pytest.raises(ResetRefused, match="more than one stream: rebuild it"):
        await running.reset(handler, stream="item-0")
    if shop.engine.log.partitions > 1:
        with pytest.raises(ResetRefused, match="more than one stream: rebuild it"):
            await running.reset(handler, partition=await partition_of(shop, "item-0"))
    await running.caught_up()
    assert [(s.offset, s.pause) for s in await running.status()] == [(s.offset, s.pause) for s in before]
    await running.stop()


async def test_a_stream_of_another_category_is_refused(shop: Shop) -> None:
    await shop.append("basket-1", Added(units=1))
    running = await process(shop, Counting())
    with pytest.raises(ResetRefused):
        await running.reset("counting", stream="basket-1")
    with pytest.raises(ResetRefused, match="there is no stream"):
        await running.reset("counting", stream="item-404")
    await running.stop()


async def test_what_is_not_there_is_refused(shop: Shop) -> None:
    running = await process(shop, Counting())
    for partition in (-1, shop.engine.log.partitions):
        with pytest.raises(InvalidVersion, match="there is no partition"):
            await running.reset("counting", partition=partition)
    with pytest.raises(InvalidVersion, match="name one of them"):
        await running.reset("counting", partition=0, stream="item-0")
    with pytest.raises(UnknownName):
        await running.reset("nobody")
    await running.stop()


async def test_a_paused_projection_is_reset_and_stays_paused(shop: Shop) -> None:
    await history(shop, events=40, items=8)
    running = await process(shop, Counting())
    await running.pause("counting", "to look at it")
    await running.reset("counting")
    assert await counts(shop) == {}
    assert [p.reason for p in await shop.engine.conditions.pauses()] == ["to look at it"]
    await running.resume("counting")
    await running.caught_up()
    assert await counts(shop) == WHOLE
    await running.stop()


async def test_meanwhile_a_view_is_late_and_nobody_is_told_otherwise(shop: Shop) -> None:
    """An old token is not visible while its projection has not come by it again."""
    token = await shop.append("item-0", Added(units=1))
    running = await process(shop, Counting())
    waiter = TokenWaiter(shop.fresh_parts(), running.projections, shop.identity)
    await waiter.wait(token, ["counting"], timeout=30)
    await running.stop()
    await running.reset("counting")
    with pytest.raises(ConsistencyTimeout, match="committed, view late"):
        await waiter.wait(token, ["counting"], timeout=0)
    waiting = asyncio.create_task(waiter.wait(token, ["counting"], timeout=30))
    again = await process(shop, Counting())
    await waiting
    assert await counts(shop) == {"0": 1}
    await again.stop()


async def test_after_a_reset_of_a_partition_waiting_for_others_is_as_before(shop: Shop) -> None:
    if shop.engine.log.partitions == 1:
        return  # there are no others
    await history(shop, events=40, items=8)
    running = await process(shop, Counting())
    await running.stop()
    partition = await partition_of(shop, "item-0")
    await running.reset("counting", partition=partition)
    waiter = TokenWaiter(shop.fresh_parts(), running.projections, shop.identity)
    for item in ITEMS:
        place = await shop.engine.log.offset_of(item, 5)
        token = Token(shop.identity.store_id, ((item, 5),))
        if place is not None and place[0] == partition:
            with pytest.raises(ConsistencyTimeout):
                await waiter.wait(token, ["counting"], timeout=0)
        else:
            await waiter.wait(token, ["counting"], timeout=0)


async def test_a_checkpoint_beyond_the_log_is_mended_by_a_reset(shop: Shop) -> None:
    await history(shop, events=40, items=8)
    ahead = ProjectionCommit(place=Place("counting"), epoch=1, start=0, next=99)
    await shop.engine.projections.commit(ahead)
    synchronizer = shop.synchronizer(Counting(), options=OPTIONS)
    await synchronizer.reset("counting")
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await counts(shop) == WHOLE

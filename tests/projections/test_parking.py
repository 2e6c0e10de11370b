"""A bad event stops its own key, nothing else; and how it gets going again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import InvalidMessage, StoreBusy, UnknownName
from headwater.projections.audit import Audit
from headwater.projections.dead_letters import DeadLetterQueue, Retried
from headwater.projections.handler import ProjectionHandler
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from tests.projections.shop import Added, Removed, Shop, Stock, StockView


@pytest.fixture
def stock() -> Stock:
    stock = Stock()
    stock.poison = {13}
    return stock


@pytest.fixture
async def running(shop: Shop, stock: Stock) -> AsyncIterator[ReadModelSynchronizer]:
    """Three items, of which the first has a bad event in the middle."""
    await shop.append("item-1", Added(units=1), Added(units=13), Removed(units=2), Added(units=3))
    await shop.append("item-2", Added(units=5))
    synchronizer = shop.synchronizer(stock)
    await synchronizer.start()
    await synchronizer.caught_up()
    yield synchronizer
    await synchronizer.stop()


async def test_a_bad_event_stops_its_own_key(shop: Shop, running: ReadModelSynchronizer) -> None:
    assert await shop.stock() == {"item-1": 1, "item-2": 5}
    first, *others = await running.dead_letters.list("stock")
    assert (first.key, first.type, first.error, first.attempts) == ("item-1", "ShopAdded", "Poisonous: 13 units", 3)
    assert "in added" in first.trace
    assert [(event.key, event.error, event.attempts) for event in others] == [("item-1", None, 0)] * 2


async def test_later_events_of_the_key_wait_others_go_on(shop: Shop, running: ReadModelSynchronizer) -> None:
    await shop.append("item-1", Added(units=4))
    await shop.append("item-3", Added(units=6))
    await running.caught_up()
    assert await shop.stock() == {"item-1": 1, "item-2": 5, "item-3": 6}
    assert len(await running.dead_letters.list(key="item-1")) == 4


async def test_parked_keys_are_known_after_a_restart(shop: Shop, running: ReadModelSynchronizer, stock: Stock) -> None:
    await running.stop()
    await shop.append("item-1", Added(units=4))
    again = shop.synchronizer(stock, parts=shop.fresh_parts())
    await again.start()
    await again.caught_up()
    await again.stop()
    assert (await shop.stock())["item-1"] == 1
    assert len(await again.dead_letters.list()) == 4


async def test_retry_after_the_fix_replays_in_order(shop: Shop, running: ReadModelSynchronizer, stock: Stock) -> None:
    stock.poison.clear()
    assert await running.dead_letters.retry(Stock, key="item-1") == Retried(handled=3, parked=0, pending=0)
    await shop.append("item-1", Added(units=4))
    await running.caught_up()
    assert (await shop.stock())["item-1"] == 1 + 13 - 2 + 3 + 4
    assert [units for stream, units in stock.seen if stream == "item-1"] == [1, 13, 3, 4]
    assert await running.dead_letters.list() == []


async def test_retry_works_while_nothing_runs(shop: Shop, running: ReadModelSynchronizer, stock: Stock) -> None:
    await running.stop()
    stock.poison.clear()
    assert (await running.dead_letters.retry("stock")).handled == 3
    assert (await shop.stock())["item-1"] == 15
    assert all(status.owner is None for status in await running.status())


async def test_retry_from_another_process_is_done_by_the_one_that_runs(
    shop: Shop, running: ReadModelSynchronizer, stock: Stock
) -> None:
    outside = shop.synchronizer(Stock(), parts=shop.fresh_parts())
    stock.poison.clear()
    retried = await outside.dead_letters.retry("stock")
    assert retried.parked == 0
    seen = shop.engine.wakeups.seen()
    while await outside.dead_letters.list():
        seen = await shop.engine.wakeups.wait(seen, 5)
    assert (await shop.stock())["item-1"] == 15


async def test_a_retry_that_fails_again_stays_in_front(shop: Shop, running: ReadModelSynchronizer) -> None:
    [offset, *_] = [event.offset for event in await running.dead_letters.list()]
    assert await running.dead_letters.retry("stock", offset=offset) == Retried(handled=0, parked=3, pending=0)
    first, *others = await running.dead_letters.list()
    assert (first.offset, first.error, first.attempts) == (offset, "Poisonous: 13 units", 6)
    assert all(event.error is None for event in others)
    assert await shop.stock() == {"item-1": 1, "item-2": 5}


async def test_a_queue_stops_at_the_next_bad_event(shop: Shop, running: ReadModelSynchronizer, stock: Stock) -> None:
    stock.poison = {3}
    assert await running.dead_letters.retry("stock") == Retried(handled=2, parked=1, pending=0)
    assert (await shop.stock())["item-1"] == 12
    stock.poison.clear()
    assert await running.dead_letters.retry("stock") == Retried(handled=1, parked=0, pending=0)


async def test_what_comes_to_a_queue_during_a_retry_takes_nothing_off(
    shop: Shop, running: ReadModelSynchronizer
) -> None:
    async def release(projection: object, partition: int) -> None:
        await shop.append("item-1", *[Added(units=units) for units in range(5)])
        await running.caught_up()

    audit = Audit(shop.engine.journal, shop.clock)
    letters = DeadLetterQueue(shop.parts, running.projections, release, audit, shop.options)
    retried = await letters.retry("stock")
    assert (retried.handled, retried.parked + retried.pending) == (0, 8)


async def test_an_edited_event_is_handled_with_its_new_data(shop: Shop, running: ReadModelSynchronizer) -> None:
    first = (await running.dead_letters.list())[0]
    await running.dead_letters.edit("stock", first.offset, {"units": 12}, first.partition)
    await running.dead_letters.retry("stock")
    assert (await shop.stock())["item-1"] == 14
    [stored] = (await shop.engine.log.read(first.partition, first.offset, 1)).events
    assert stored.data == b'{"units":13}'  # the log is what it was


async def test_an_edit_that_cannot_be_read_is_refused(running: ReadModelSynchronizer) -> None:
    first = (await running.dead_letters.list())[0]
    with pytest.raises(InvalidMessage, match="no ShopAdded"):
        await running.dead_letters.edit("stock", first.offset, {"units": "many"}, first.partition)
    assert (await running.dead_letters.list())[0].data is None


async def test_discarding_lets_the_others_go_on(shop: Shop, running: ReadModelSynchronizer) -> None:
    first = (await running.dead_letters.list())[0]
    await running.dead_letters.discard("stock", first.offset, first.partition)
    assert (await shop.stock())["item-1"] == 2
    assert await running.dead_letters.list() == []


async def test_what_is_not_parked_cannot_be_touched(running: ReadModelSynchronizer) -> None:
    letters = running.dead_letters
    with pytest.raises(UnknownName):
        await letters.retry("stock", key="item-2")
    with pytest.raises(UnknownName):
        await letters.discard("stock", 999)
    with pytest.raises(UnknownName):
        await letters.edit("stock", 999, {"units": 1})
    with pytest.raises(UnknownName):
        await letters.edit("stock", 0, {"units": 1})  # handled, not parked
    with pytest.raises(UnknownName, match="no projection"):
        await letters.retry("nobody")


async def test_parking_by_hand_blocks_the_key(shop: Shop, running: ReadModelSynchronizer) -> None:
    place = await shop.engine.log.offset_of("item-2", 1)
    assert place is not None
    [stored] = (await shop.engine.log.read(*place, 1)).events
    event = Recorded(stored, Added(units=5))
    with pytest.raises(UnknownName, match="name one"):
        await running.dead_letters.add(event, ValueError("by hand"))
    await running.dead_letters.add(event, ValueError("by hand"), projection=Stock)
    await running.dead_letters.add(event, ValueError("by hand"), projection=Stock)
    await shop.append("item-2", Added(units=1))
    await running.caught_up()
    assert [(p.error, p.attempts) for p in await running.dead_letters.list(key="item-2")] == [
        ("ValueError: by hand", 1),
        (None, 0),
    ]


async def test_an_event_that_cannot_be_read_is_parked_at_once(shop: Shop) -> None:
    other = Shop(shop.engine, shop.identity, shop.clock)

    class Wrong(Added, name="ShopAdded"):
        units: str  # type: ignore[assignment]

    other.registry = type(other.registry)()
    other.registry.register(Wrong)
    await other.append("item-1", Wrong(units="many"))
    await shop.append("item-1", Added(units=1))
    synchronizer = shop.synchronizer(Stock())
    told: list[object] = []
    synchronizer.on("projection_error", lambda error, event: told.append(event.data))
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    first, second = await synchronizer.dead_letters.list()
    assert (first.key, first.attempts, second.error) == ("item-1", 1, None)
    assert (first.error or "").startswith("DecodingError: a stored ShopAdded")
    assert told == [None]


class ByAmount(ProjectionHandler, writes=[StockView], key="units"):
    """Orders by what is in the data, not by the stream."""

    def __init__(self) -> None:
        self.failing = True

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        if e.data.units == 13 and self.failing:
            raise ValueError
        await views.add(StockView, str(e.data.units), events=1)


async def test_a_declared_key_blocks_across_streams(shop: Shop) -> None:
    handler = ByAmount()
    await shop.append("item-1", Added(units=13), Added(units=1), Added(units=13))
    synchronizer = shop.synchronizer(handler)
    await synchronizer.start()
    await synchronizer.caught_up()
    assert await shop.events_seen() == {"1": 1}
    assert {event.key for event in await synchronizer.dead_letters.list()} == {"13"}
    handler.failing = False
    await synchronizer.dead_letters.retry(ByAmount, key="13")
    await synchronizer.stop()
    assert await shop.events_seen() == {"1": 1, "13": 2}


async def test_a_dead_engine_parks_nothing(shop: Shop, stock: Stock) -> None:
    """A handler that meets a store which cannot answer is not to blame."""
    tries = 0

    class Reading(ProjectionHandler, writes=[StockView]):
        @on(Added)
        async def added(self, e: Recorded[Added], views: Views) -> None:
            nonlocal tries
            tries += 1
            await views.insert(StockView(id=e.stream, units=tries))
            if tries < 10:
                raise StoreBusy("no answer")

    await shop.append("item-1", Added(units=1))
    synchronizer = shop.synchronizer(Reading())
    await synchronizer.start()
    await synchronizer.caught_up(timeout=3_600)
    await synchronizer.stop()
    assert await synchronizer.dead_letters.list() == []
    assert await shop.stock() == {"item-1": 10}

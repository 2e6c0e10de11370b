"""A rebuild equals the live read model, says how far it is, and knows when not to start."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.errors import InvalidVersion, RebuildRefused, UnknownName
from headwater.models.changes import Delete, Insert
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.progress import Progress
from headwater.projections.synchronizer import ReadModelSynchronizer
from tests.projections.shop import Added, Removed, Shop, Stock, StockView, until


async def history(shop: Shop) -> None:
    for number in range(30):
        await shop.append(f"item-{number % 5}", Added(units=number), Removed(units=1))


async def started(shop: Shop, stock: Stock | None = None) -> ReadModelSynchronizer:
    synchronizer = shop.synchronizer(stock or Stock())
    await synchronizer.start()
    await synchronizer.caught_up()
    return synchronizer


async def test_a_rebuild_equals_the_live_read_model(shop: Shop) -> None:
    await history(shop)
    synchronizer = await started(shop)
    live = await shop.stock()
    await shop.engine.projections.write(
        [Insert(StockView(id="stray", units=9)), Delete(StockView, "item-1")],
    )
    last = await synchronizer.rebuild_read_model("shop_stock", batch_size=7)
    assert last.finished
    assert (last.done, last.total) == (60, 60)
    assert await shop.stock() == live
    await shop.append("item-1", Added(units=1))
    await synchronizer.caught_up()  # it runs again
    await synchronizer.stop()
    assert (await shop.stock())["item-1"] == live["item-1"] + 1


async def test_a_rebuild_tells_its_progress(shop: Shop) -> None:
    await history(shop)
    synchronizer = shop.synchronizer(Stock())
    seen = [progress async for progress in synchronizer.rebuild_read_model(Stock, batch_size=10)]
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert (seen[0].done, seen[-1].done) == (0, 60)
    assert {progress.total for progress in seen} == {60}
    assert len(seen) > 2
    assert sum((await shop.events_seen()).values()) == 60


@pytest.mark.parametrize("from_event", [0, 1])
async def test_progress_is_by_a_clock_that_never_goes_back(shop: Shop, from_event: int) -> None:
    if from_event and shop.engine.log.partitions > 1:
        return
    await history(shop)
    synchronizer = await started(shop)
    await synchronizer.stop()
    seconds: list[float] = []
    async for progress in synchronizer.rebuild_read_model(Stock, from_event, batch_size=10):
        seconds.append(progress.seconds)
        shop.clock.advance(2)
        shop.clock.advance(-3_600)
    assert seconds == [2.0 * number for number in range(len(seconds))]


async def test_queries_are_answered_from_what_is_served_all_along(shop: Shop) -> None:
    await history(shop)
    synchronizer = await started(shop)
    live = await shop.stock()
    async for _ in synchronizer.rebuild_read_model(StockView, batch_size=10):
        assert await shop.stock() == live
        assert sum((await shop.events_seen()).values()) == 60
    await synchronizer.stop()


async def test_a_log_that_never_rests_is_handed_over_all_the_same(shop: Shop) -> None:
    """What is served is ahead at every try."""
    await history(shop)
    synchronizer = await started(shop)
    events = 60
    async for _ in synchronizer.rebuild_read_model(StockView):
        await shop.append("item-1", Added(units=1))
        events += 1
        await synchronizer.caught_up()
    await synchronizer.caught_up()
    assert {status.generation for status in await synchronizer.status() if status.state == "serving"} == {1}
    await synchronizer.stop()
    assert sum((await shop.events_seen()).values()) == events


async def test_left_in_the_middle_it_is_finished_by_who_runs_the_projection(shop: Shop) -> None:
    await history(shop)
    synchronizer = await started(shop)
    await shop.engine.projections.write([Insert(StockView(id="stray", units=9))])
    rebuild = aiter(synchronizer.rebuild_read_model(StockView, batch_size=10))
    await anext(rebuild)
    await anext(rebuild)
    await rebuild.aclose()  # type: ignore[attr-defined]  # an async generator, to whoever looks
    await until(shop, lambda: _served(shop), 1)
    await synchronizer.stop()
    assert "stray" not in await shop.stock()
    assert sum((await shop.events_seen()).values()) == 60


async def test_left_in_the_middle_the_next_one_goes_on_from_there(shop: Shop) -> None:
    await history(shop)
    synchronizer = shop.synchronizer(Stock())
    rebuild = aiter(synchronizer.rebuild_read_model(StockView, batch_size=5))
    while (first := await anext(rebuild)).done == 0:
        pass  # at a partition that has no events
    await rebuild.aclose()  # type: ignore[attr-defined]  # an async generator, to whoever looks
    again = await anext(aiter(synchronizer.rebuild_read_model(StockView, batch_size=5)))
    assert again.done >= first.done > 0


async def test_a_cancelled_one_is_dropped(shop: Shop) -> None:
    await history(shop)
    synchronizer = shop.synchronizer(Stock())
    rebuild = aiter(synchronizer.rebuild_read_model(StockView, batch_size=5))
    await anext(rebuild)
    assert await synchronizer.cancel_rebuild(Stock)
    assert not await synchronizer.cancel_rebuild(Stock)
    with pytest.raises(RebuildRefused, match="was cancelled"):
        await _to_the_end(rebuild)
    assert [g.state for g in await shop.engine.generations.all()] == ["serving"]


async def _to_the_end(rebuild: AsyncIterator[Progress]) -> None:
    async for _ in rebuild:
        pass


async def _served(shop: Shop) -> int:
    return max(g.number for g in await shop.engine.generations.all() if g.state == "serving")


async def test_a_rebuild_empties_what_is_parked(shop: Shop) -> None:
    stock = Stock()
    stock.poison = {3}
    await history(shop)
    synchronizer = await started(shop, stock)
    assert len(await synchronizer.dead_letters.list()) == 12
    stock.poison.clear()
    await synchronizer.rebuild_read_model(Stock)
    await synchronizer.stop()
    assert await synchronizer.dead_letters.list() == []
    assert await shop.events_seen() == {f"item-{n}": 12 for n in range(5)}


async def test_a_rebuild_after_a_restored_backup(shop: Shop) -> None:
    """The way out of a checkpoint beyond the log."""
    await shop.append("item-1", Added(units=4))
    await shop.engine.projections.commit(ProjectionCommit(place=Place("stock"), epoch=1, start=0, next=99))
    synchronizer = shop.synchronizer(Stock())
    await synchronizer.rebuild_read_model(Stock)
    await synchronizer.start()
    await synchronizer.stop()
    assert await shop.stock() == {"item-1": 4}


async def test_another_process_that_runs_the_projection_goes_on_with_the_new_one(shop: Shop) -> None:
    await history(shop)
    elsewhere = await started(shop)
    here = shop.synchronizer(Stock(), parts=shop.fresh_parts())
    assert (await here.rebuild_read_model(Stock)).finished
    await shop.append("item-1", Added(units=100))
    await elsewhere.caught_up()
    assert sum((await shop.events_seen()).values()) == 61
    assert {status.generation for status in await elsewhere.status() if status.running} == {1}
    await elsewhere.stop()


async def test_partitions_of_unequal_epochs_are_rebuilt(shop: Shop) -> None:
    await history(shop)
    for _ in range(3):
        lease = await shop.engine.leases.acquire(Place("stock").lease, "somebody", 5)
        assert lease is not None
        await shop.engine.leases.release(lease)
    assert (await shop.synchronizer(Stock()).rebuild_read_model(Stock)).finished
    assert sum((await shop.events_seen()).values()) == 60


async def test_from_an_event_on_it_is_applied_again_over_the_rows(shop: Shop) -> None:
    await history(shop)
    synchronizer = await started(shop)
    if shop.engine.log.partitions > 1:
        with pytest.raises(RebuildRefused, match="4 partitions"):
            await synchronizer.rebuild_read_model(Stock, from_event=50)
        await synchronizer.stop()
        return
    before = await shop.events_seen()
    progress = await synchronizer.rebuild_read_model(Stock, from_event=50, batch_size=3)
    assert (progress.done, progress.total) == (10, 10)
    assert await shop.events_seen() == {item: events + 2 for item, events in before.items()}
    assert (await synchronizer.status())[0].lag == 0
    await synchronizer.stop()


async def test_applied_again_what_is_parked_stays_parked(shop: Shop) -> None:
    if shop.engine.log.partitions > 1:
        return  # refused, as above
    stock = Stock()
    stock.poison = {25}
    await history(shop)
    synchronizer = await started(shop, stock)
    parked = await synchronizer.dead_letters.list()
    stock.poison = {26}
    await synchronizer.rebuild_read_model(Stock, from_event=50)
    now = await synchronizer.dead_letters.list()
    await synchronizer.stop()
    assert [event.offset for event in parked] == [50, 51]
    assert [event.offset for event in now] == [50, 51, 52, 53]


@pytest.mark.parametrize("options", [{"from_event": -1}, {"batch_size": 0}, {"from_event": True}])
async def test_numbers_out_of_range_are_refused(shop: Shop, options: dict[str, int]) -> None:
    from_event, batch_size = options.get("from_event", 0), options.get("batch_size", 1_000)
    with pytest.raises(InvalidVersion):
        await shop.synchronizer(Stock()).rebuild_read_model(Stock, from_event, batch_size)


async def test_an_unknown_read_model_is_refused(shop: Shop) -> None:
    with pytest.raises(UnknownName, match="known are stock"):
        await shop.synchronizer(Stock()).rebuild_read_model("users")

"""BatchProjectionHandler: one transaction for many events, keys side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.batch import BatchProjectionHandler
from headwater.read_models.views import Views
from tests.projections.shop import Added, FaultyStore, Noted, Poisonous, Removed, Shop, StockView, WatchedWakeups


class Collected(BatchProjectionHandler, writes=[StockView]):
    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.add(StockView, e.stream, units=e.data.units, events=1)


def watched(shop: Shop) -> tuple[FaultyStore, list[ProjectionCommit]]:
    """A store, and its commits that had an effect."""
    store, commits = FaultyStore(shop.engine), list[ProjectionCommit]()
    store.after = lambda commit: commits.append(commit) if commit.changes else None
    return store, commits


async def test_a_full_batch_is_one_commit(shop: Shop) -> None:
    await shop.append("item-1", *[Added(units=1), Noted()] * 10)
    store, commits = watched(shop)
    synchronizer = shop.synchronizer(Collected(batch_size=5), parts=shop.fresh_parts(store=store))
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert len(commits) == 2
    assert await shop.events_seen() == {"item-1": 10}


async def test_an_unfinished_batch_is_flushed_when_the_interval_is_over(shop: Shop) -> None:
    synchronizer = shop.synchronizer(Collected(flush_interval=0.01))
    await synchronizer.start()
    await shop.append("item-1", Added(units=1), Added(units=1), Added(units=1))
    await reached_by(shop, "item-1", events=3)
    await synchronizer.stop()


async def reached_by(shop: Shop, item: str, events: int) -> None:
    seen = shop.engine.wakeups.seen()
    while (await shop.events_seen()).get(item) != events:
        seen = await shop.engine.wakeups.wait(seen, 5)


async def test_stop_commits_what_is_collected(shop: Shop) -> None:
    wakeups = WatchedWakeups(shop.engine)
    synchronizer = shop.synchronizer(Collected(flush_interval=3600), parts=shop.fresh_parts(wakeups=wakeups))
    await synchronizer.start()
    await wakeups.rests.wait()
    wakeups.rests.clear()
    await shop.append("item-1", Added(units=1))
    await wakeups.rests.wait()  # for the rest of the batch
    assert await shop.events_seen() == {}
    await synchronizer.stop()
    assert await shop.events_seen() == {"item-1": 1}


class Whole(BatchProjectionHandler, writes=[StockView]):
    """Gets lists of events."""

    def __init__(self, *, parallelism: int = 1) -> None:
        super().__init__(batch_size=6, parallelism=parallelism)
        self.batches: list[int] = []

    async def handle_batch(self, events: Sequence[Recorded[Added]], views: Views) -> None:
        self.batches.append(len(events))
        for event in events:
            await views.add(StockView, event.stream, units=event.data.units, events=1)
            if event.data.units == 13:
                raise Poisonous


async def test_handle_batch_gets_the_events_it_names_at_once(shop: Shop) -> None:
    await shop.append("item-1", *[Added(units=1), Removed(units=1)] * 6)
    handler = Whole()
    synchronizer = shop.synchronizer(handler)
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert handler.batches == ([1] * 6 if shop.parts.by_event else [6])
    assert await shop.stock() == {"item-1": 6}


async def test_a_bad_event_of_a_batch_is_found(shop: Shop) -> None:
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    await shop.append("item-2", Added(units=4))
    handler = Whole()
    synchronizer = shop.synchronizer(handler)
    await synchronizer.start()
    await synchronizer.caught_up()
    assert await shop.stock() == {"item-1": 1, "item-2": 4}
    await shop.append("item-1", Added(units=5))
    await shop.append("item-2", Added(units=6), Added(units=7))
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await shop.stock() == {"item-1": 1, "item-2": 17}
    assert [event.error for event in await synchronizer.dead_letters.list()] == ["Poisonous: ", None, None]
    assert shop.parts.by_event or 2 in handler.batches  # the free ones still come together


class Slow(BatchProjectionHandler, writes=[StockView], key=lambda e: e.stream):
    """Reads, lets others run, then writes."""

    def __init__(self, parallelism: int, *, shared: bool = False) -> None:
        super().__init__(batch_size=100, parallelism=parallelism)
        self.shared = shared
        self.at_once = self.most_at_once = 0
        self.order: list[tuple[str, int]] = []

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        item = "all" if self.shared else e.stream
        row = await views.get(StockView, item) or StockView(id=item)
        await asyncio.sleep(0)
        await views.insert(StockView(id=item, units=row.units * 2 + e.data.units, events=row.events + 1))
        self.order.append((e.stream, e.version))
        self.at_once -= 1
        if e.data.units == 13:
            raise Poisonous


async def test_keys_go_side_by_side_each_in_order(shop: Shop) -> None:
    for number in range(12):
        await shop.append(f"item-{number % 4}", Added(units=number % 2))
    handler = Slow(parallelism=3)
    synchronizer = shop.synchronizer(handler)
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await shop.stock() == {"item-0": 0, "item-1": 7, "item-2": 0, "item-3": 7}
    for item in ("item-0", "item-1", "item-2", "item-3"):
        assert [version for stream, version in handler.order if stream == item] == [1, 2, 3]
    if shop.engine.log.partitions == 1:
        assert handler.most_at_once == 3


async def test_a_bad_event_stops_only_its_key_in_its_lane(shop: Shop) -> None:
    await shop.append("item-0", Added(units=1), Added(units=13), Added(units=1))
    await shop.append("item-1", Added(units=1), Added(units=1))
    synchronizer = shop.synchronizer(Slow(parallelism=2))
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await shop.stock() == {"item-0": 1, "item-1": 3}
    assert [event.key for event in await synchronizer.dead_letters.list()] == ["item-0", "item-0"]


async def test_keys_that_meet_in_one_row_are_handled_in_the_logs_order(shop: Shop) -> None:
    """Side by side each would have missed the other's change."""
    if shop.engine.log.partitions > 1:
        return  # rows fed by several partitions have no order to keep
    for number in range(6):
        await shop.append(f"item-{number % 3}", Added(units=number))
    synchronizer = shop.synchronizer(Slow(parallelism=3, shared=True))
    await synchronizer.start()
    await synchronizer.caught_up()
    await synchronizer.stop()
    expected = 0
    for number in range(6):
        expected = expected * 2 + number
    assert await shop.stock() == {"all": expected}

"""Two processes share one partition by ranges of keys: each key in order, every effect once, waits for all of them."""

from __future__ import annotations

import asyncio
import random

import pytest

from headwater.consistency.waiting import TokenWaiter
from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import BadDeclaration, ConsistencyTimeout, StoreBusy, ViewParked
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.after_commit import after_commit
from headwater.projections.handler import ProjectionHandler
from headwater.projections.key_range import KeyRange
from headwater.projections.parts import RunnerOptions
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from tests.projections.mail import Post
from tests.projections.shop import Added, FaultyStore, Poisonous, Shop, StockView, no_sleep

RANGES = 4
OPTIONS = RunnerOptions(sleep=no_sleep, save_seconds=0.01, batch_size=5, watch_seconds=0.05)
KEYS = [f"item-{number}" for number in range(12)]


class Ranged(ProjectionHandler, writes=[StockView], name="ranged", key=lambda e: e.stream, key_ranges=RANGES):
    """Reads, then writes; remembers what it has seen."""

    def __init__(self, post: Post, poison: set[int] | None = None) -> None:
        self.post = post
        self.poison = poison or set()
        self.seen: dict[str, list[int]] = {}

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        if e.data.units in self.poison:
            raise Poisonous(f"{e.data.units} units")
        row = await views.get(StockView, e.stream) or StockView(id=e.stream)
        await views.insert(StockView(id=e.stream, units=row.units + e.data.units, events=row.events + 1))
        self.seen.setdefault(e.stream, []).append(e.version)

    @after_commit(Added)
    async def told(self, e: Recorded[Added]) -> None:
        self.post.sent.append((e.stream, e.version))


async def process(shop: Shop, handler: ProjectionHandler) -> ReadModelSynchronizer:
    return shop.synchronizer(handler, parts=shop.fresh_parts(), options=OPTIONS)


async def events(shop: Shop, each: int = 10) -> None:
    for _ in range(each):
        for key in KEYS:
            await shop.append(key, Added(units=1))


def test_the_keys_lie_in_every_range() -> None:
    ranges = [KeyRange(number, RANGES) for number in range(RANGES)]
    assert all(sum(one.holds(key) for one in ranges) == 1 for key in KEYS)
    assert all(any(one.holds(key) for key in KEYS) for one in ranges)


async def test_two_processes_share_a_partition(shop: Shop) -> None:
    """One holds the lease of a range already; the other takes the rest, and both come to the end."""
    post = Post()
    await events(shop)
    first, second = Ranged(post), Ranged(post)
    mine = [await shop.engine.leases.acquire(_lease(p, r), "first", 60) for p in _partitions(shop) for r in (0, 1)]
    others = await process(shop, second)
    await others.start()
    await _until_at_end(shop, {2, 3})
    assert all(KeyRange(2, RANGES).holds(key) or KeyRange(3, RANGES).holds(key) for key in second.seen)
    for lease in mine:
        assert lease is not None
        await shop.engine.leases.release(lease)
    runs = await process(shop, first)
    await runs.start()
    await runs.caught_up()
    assert await shop.events_seen() == dict.fromkeys(KEYS, 10)
    await runs.stop()
    await others.stop()
    assert {key: post.versions(key) for key in KEYS} == {key: [*range(1, 11)] for key in KEYS}


def _lease(partition: int, key_range: int) -> str:
    return Place("ranged", partition, 0, key_range).lease


def _partitions(shop: Shop) -> range:
    return range(shop.engine.log.partitions)


async def _until_at_end(shop: Shop, ranges: set[int]) -> None:
    heads = [await shop.engine.log.head(partition) for partition in _partitions(shop)]
    for partition, head in enumerate(heads):
        for key_range in ranges:
            while True:
                seen = shop.engine.wakeups.seen()
                kept = await shop.engine.projections.checkpoint(Place("ranged", partition, 0, key_range))
                if kept.offset >= head:
                    break
                await shop.engine.wakeups.wait(seen, 0.05)


async def test_each_key_in_order_under_two_processes_that_come_and_go(shop: Shop) -> None:
    post = Post()
    handlers = [Ranged(post) for _ in range(6)]
    writing = asyncio.create_task(events(shop))
    for one, other in zip(handlers[::2], handlers[1::2], strict=True):
        first, second = await process(shop, one), await process(shop, other)
        await first.start()
        await second.start()
        for _ in range(40):
            await asyncio.sleep(0)
        await first.stop()
        await second.stop()
    await writing
    last = Ranged(post)
    end = await process(shop, last)
    await end.start()
    await end.caught_up()
    await end.stop()
    assert await shop.events_seen() == dict.fromkeys(KEYS, 10)
    assert {key: post.versions(key) for key in KEYS} == {key: [*range(1, 11)] for key in KEYS}
    for handler in [*handlers, last]:
        assert all(versions == sorted(versions) for versions in handler.seen.values())


async def test_waiting_is_for_the_range_that_is_behind(shop: Shop) -> None:
    """A checkpoint of one range says nothing of the others."""
    token = await shop.append(KEYS[0], Added(units=1))
    partition, offset = await shop.engine.log.offset_of(KEYS[0], 1) or (0, 0)
    late = next(r for r in range(RANGES) if KeyRange(r, RANGES).holds(KEYS[0]))
    held = await shop.engine.leases.acquire(_lease(partition, late), "somebody who sleeps", 3_600)
    assert held is not None
    ranged = await process(shop, Ranged(Post()))
    await ranged.start()
    await _until_ranges_pass(shop, partition, offset, {*range(RANGES)} - {late})
    parts = shop.fresh_parts()
    waiter = TokenWaiter(parts, ranged.projections, shop.identity)
    with pytest.raises(ConsistencyTimeout):
        await waiter.wait(token, ["ranged"], timeout=0)
    waiting = asyncio.create_task(waiter.wait(token, ["ranged"], timeout=30))
    await shop.engine.leases.release(held)
    await waiting
    assert await shop.stock() == {KEYS[0]: 1}
    await ranged.stop()


async def _until_ranges_pass(shop: Shop, partition: int, offset: int, ranges: set[int]) -> None:
    for key_range in ranges:
        while True:
            seen = shop.engine.wakeups.seen()
            kept = await shop.engine.projections.checkpoint(Place("ranged", partition, 0, key_range))
            if kept.offset > offset:
                break
            await shop.engine.wakeups.wait(seen, 0.05)


async def test_a_parked_key_stops_neither_its_range_nor_another(shop: Shop) -> None:
    post = Post()
    handler = Ranged(post, {13})
    await shop.append(KEYS[0], Added(units=1), Added(units=13), Added(units=1))
    ranged = await process(shop, handler)
    await ranged.start()
    await events(shop, each=2)
    await ranged.caught_up()
    waiter = TokenWaiter(shop.fresh_parts(), ranged.projections, shop.identity)
    with pytest.raises(ViewParked, match="Poisonous"):
        await waiter.wait(await shop.append(KEYS[0], Added(units=1)), ["ranged"], timeout=30)
    assert await shop.events_seen() == {KEYS[0]: 1} | dict.fromkeys(KEYS[1:], 2)
    handler.poison.clear()
    assert (await ranged.dead_letters.retry("ranged")).handled == 5
    await ranged.stop()
    assert await shop.events_seen() == {KEYS[0]: 6} | dict.fromkeys(KEYS[1:], 2)
    assert post.versions(KEYS[0]) == [1, 2, 3, 4, 5, 6]


async def test_commits_that_fail_have_each_effect_once(shop: Shop) -> None:
    await events(shop)
    store, dice = FaultyStore(shop.engine), random.Random(7)

    def fail(_: ProjectionCommit) -> None:
        if dice.random() < 0.2:
            raise StoreBusy("no")

    store.before = store.after = fail
    options = RunnerOptions(sleep=shop.sleep, batch_size=5, save_seconds=0.01)
    synchronizer = shop.synchronizer(Ranged(Post()), parts=shop.fresh_parts(store=store), options=options)
    await synchronizer.start()
    await synchronizer.caught_up(timeout=3_600)
    await synchronizer.stop()
    assert await shop.events_seen() == dict.fromkeys(KEYS, 10)


async def test_a_rebuild_fills_every_range(shop: Shop) -> None:
    post = Post()
    await events(shop)
    ranged = await process(shop, Ranged(post))
    await ranged.start()
    await ranged.caught_up()
    progress = await ranged.rebuild_read_model(StockView)
    assert (progress.done, progress.total) == (120 * RANGES, 120 * RANGES)
    await ranged.stop()
    assert await shop.events_seen() == dict.fromkeys(KEYS, 10)
    assert len(post.sent) == 120


@pytest.mark.parametrize("ranges", [1, 2, 5])
async def test_other_ranges_need_another_version(shop: Shop, ranges: int) -> None:
    class Other(Ranged, name="ranged", key_ranges=ranges):
        pass

    class Later(Ranged, name="ranged", key_ranges=ranges, version=2):
        pass

    await events(shop, each=2)
    first = await process(shop, Ranged(Post()))
    await first.start()
    await first.caught_up()
    await first.stop()
    with pytest.raises(BadDeclaration, match=rf"has key_ranges=4, this code declares {ranges}: raise version="):
        await (await process(shop, Other(Post()))).start()
    later = await process(shop, Later(Post()))
    await later.rebuild_read_model(StockView)
    await later.start()
    await shop.append(KEYS[0], Added(units=1))
    await later.caught_up()
    await later.stop()
    assert await shop.events_seen() == {KEYS[0]: 3} | dict.fromkeys(KEYS[1:], 2)


def test_ranges_need_a_declared_key() -> None:
    with pytest.raises(BadDeclaration, match="needs a declared key="):

        class Mistaken(ProjectionHandler, writes=[StockView], key_ranges=2):
            @on(Added)
            async def added(self, e: Recorded[Added]) -> None: ...

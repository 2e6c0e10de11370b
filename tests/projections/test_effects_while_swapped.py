"""A swap in the middle of side effects: whoever runs them ends their page, and the next one goes on behind it."""

from __future__ import annotations

import asyncio

import pytest

from headwater.domain.event import Recorded
from headwater.ports.generations import State
from headwater.projections.after_commit import after_commit
from headwater.projections.reaching import places_of
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.projections.turn import Turn
from tests.projections.mail import Mailing, Post, started
from tests.projections.shop import Added, Shop, StockView, until


class Slow(Mailing, name="mailing"):
    """Waits before the second letter."""

    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self.began, self.go_on = asyncio.Event(), asyncio.Event()

    @after_commit(Added)
    async def told(self, e: Recorded[Added]) -> None:
        if self.post.sent:
            self.began.set()
            await self.go_on.wait()
        self.post.sent.append((e.stream, e.version))


async def in_the_middle(shop: Shop, post: Post) -> tuple[Slow, ReadModelSynchronizer]:
    """Rows of three events are there, and one letter is out."""
    slow = Slow(post)
    await shop.append("item-1", Added(units=1), Added(units=1), Added(units=1))
    running = shop.synchronizer(slow, parts=shop.fresh_parts())
    await running.start()
    await slow.began.wait()
    return slow, running


async def swap(shop: Shop, by: ReadModelSynchronizer) -> None:
    await by.rebuild_read_model(StockView)
    assert [g.state for g in await shop.engine.generations.all()] == ["previous", "serving"]


async def test_the_one_that_runs_goes_on_itself(shop: Shop) -> None:
    post = Post()
    slow, running = await in_the_middle(shop, post)
    swapping = asyncio.create_task(swap(shop, running))
    await until(shop, lambda: is_swapped(shop), True)
    slow.go_on.set()
    await swapping
    await shop.append("item-1", Added(units=1))
    await running.caught_up()
    await running.stop()
    assert post.versions("item-1") == [1, 2, 3, 4]


@pytest.mark.parametrize("way_back", [False, True])
async def test_another_process_waits_for_the_one_at_work(shop: Shop, way_back: bool) -> None:
    post = Post()
    slow, running = await in_the_middle(shop, post)
    other = shop.synchronizer(Mailing(post), parts=shop.fresh_parts())
    await swap(shop, other)
    if way_back:
        await other.switch_back("mailing")
        await other.switch_back("mailing")
    await other.start()
    await until(shop, lambda: holds(shop, "serving"), True)
    await shop.append("item-1", Added(units=1))
    assert post.versions("item-1") == [1]
    slow.go_on.set()
    await other.caught_up()
    await running.stop()
    await other.stop()
    assert post.versions("item-1") == [1, 2, 3, 4]


async def test_a_stop_ends_the_waiting(shop: Shop) -> None:
    post = Post()
    slow, running = await in_the_middle(shop, post)
    other = shop.synchronizer(Mailing(post), parts=shop.fresh_parts())
    await swap(shop, other)
    await other.start()
    await until(shop, lambda: holds(shop, "serving"), True)
    await other.stop()
    assert not await holds(shop, "serving")
    assert post.versions("item-1") == [1]
    slow.go_on.set()
    await running.stop()


async def test_one_that_is_cut_off_leaves_the_rest_to_the_next(shop: Shop) -> None:
    post = Post()
    _, running = await in_the_middle(shop, post)
    other = shop.synchronizer(Mailing(post), parts=shop.fresh_parts())
    await swap(shop, other)
    await running.stop(drain=0)
    await other.start()
    await shop.append("item-1", Added(units=1))
    await other.caught_up()
    await other.stop()
    assert post.versions("item-1") == [1, 2, 3, 4]


async def test_what_is_asked_of_parked_events_meanwhile_runs_nothing_again(shop: Shop) -> None:
    post = Post()
    slow, running = await in_the_middle(shop, post)
    poisoned = Mailing(post, {13})
    other = shop.synchronizer(poisoned, parts=shop.fresh_parts())
    await shop.append("item-2", Added(units=13))
    await swap(shop, other)
    poisoned.poison.clear()
    await other.dead_letters.retry("mailing")
    assert post.versions("item-1") == [1]
    slow.go_on.set()
    await running.stop()
    await (await started(shop, Mailing(post))).stop()
    assert post.versions("item-1") == [1, 2, 3]


async def test_none_is_left_out_if_a_lease_of_the_one_before_is_taken_once_more(shop: Shop) -> None:
    """Whoever ran it tries again until it hears of the swap, and runs nothing then."""
    post = Post()
    _, running = await in_the_middle(shop, post)
    await running.stop(drain=0)
    other = shop.synchronizer(Mailing(post), parts=shop.fresh_parts())
    await swap(shop, other)
    before, served = await shop.engine.generations.all()
    for place in places_of(before, shop.engine.log.partitions):
        assert await shop.engine.leases.acquire(place.lease, "stale", 60) is not None
    for place in places_of(served, shop.engine.log.partitions):
        lease = await shop.engine.leases.acquire(place.lease, "new", 60)
        assert lease is not None
        await Turn(other.projections["mailing"], served, place, shop.parts, shop.options, lease).begin(0)
    assert post.versions("item-1") == [1, 2, 3]


async def is_swapped(shop: Shop) -> bool:
    return any(g.state == "previous" for g in await shop.engine.generations.all())


async def holds(shop: Shop, state: State) -> bool:
    """Whether somebody holds a place of the generation in this state."""
    (number,) = [g.number for g in await shop.engine.generations.all() if g.state == state]
    return any(lease.name.startswith(f"projection:mailing:{number}:") for lease in await shop.engine.leases.holders())

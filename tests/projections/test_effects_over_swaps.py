"""Side effects of parked events: over a swap where one generation parks what the other handles, and over a death."""

from __future__ import annotations

import asyncio

import pytest

from headwater.domain.event import Recorded
from headwater.projections.after_commit import after_commit
from tests.projections.mail import Mailing, Post, started
from tests.projections.shop import Added, Shop, StockView


class Strict(Mailing, name="mailing", version=2):
    """The next release, which finds fault with other events."""


async def swapped(shop: Shop, old: Mailing, new: Mailing) -> None:
    """The old release runs and stops; the new one is built, and served."""
    running = await started(shop, old)
    await running.stop()
    await shop.synchronizer(new, parts=shop.fresh_parts()).rebuild_read_model(StockView)


async def test_parked_by_both_it_is_told_once_after_its_replay(shop: Shop) -> None:
    post = Post()
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    new = Strict(post, {13})
    await swapped(shop, Mailing(post, {13}), new)
    assert post.versions("item-1") == [1]
    new.poison.clear()
    await shop.synchronizer(new, parts=shop.fresh_parts()).dead_letters.retry("mailing")
    assert post.versions("item-1") == [1, 2, 3]


@pytest.mark.xfail(strict=True, reason="a parked event does not say whether its side effects have run before the swap")
async def test_parked_by_the_new_one_only_it_is_not_told_again(shop: Shop) -> None:
    post = Post()
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    new = Strict(post, {13})
    await swapped(shop, Mailing(post), new)
    assert post.versions("item-1") == [1, 2, 3]
    new.poison.clear()
    await shop.synchronizer(new, parts=shop.fresh_parts()).dead_letters.retry("mailing")
    assert post.versions("item-1") == [1, 2, 3]


@pytest.mark.xfail(strict=True, reason="what the old one had parked is forgotten with it, its side effects included")
async def test_parked_by_the_old_one_only_it_is_told_after_the_swap(shop: Shop) -> None:
    post = Post()
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    new = Strict(post)
    await swapped(shop, Mailing(post, {13}), new)
    running = await started(shop, new)
    await running.stop()
    assert post.versions("item-1") == [1, 2, 3]


class Stuck(Mailing, name="mailing"):
    """Never comes back from the post."""

    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self.began = asyncio.Event()

    @after_commit(Added)
    async def told(self, e: Recorded[Added]) -> None:
        self.began.set()
        await asyncio.Event().wait()


@pytest.mark.xfail(strict=True, reason="replayed, it is no longer parked when its side effects begin")
async def test_a_death_between_a_replay_and_its_side_effects_loses_none(shop: Shop) -> None:
    post = Post()
    await shop.append("item-1", Added(units=13))
    await (await started(shop, Mailing(post, {13}))).stop()
    stuck = Stuck(post)
    retry = asyncio.create_task(shop.synchronizer(stuck, parts=shop.fresh_parts()).dead_letters.retry("mailing"))
    await stuck.began.wait()
    retry.cancel()
    await asyncio.wait([retry])
    await shop.append("item-1", Added(units=1))
    running = await started(shop, Mailing(post))
    await running.stop()
    assert post.versions("item-1") == [1, 2]

"""`@after_commit`: once after the commit, in the log's order, and for nothing that was done before."""

from __future__ import annotations

import asyncio

import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import BadSignature, DuplicateName, LeaseLost
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.after_commit import after_commit
from headwater.projections.error_policy import ErrorPolicy
from headwater.projections.handler import ProjectionHandler
from headwater.read_models.views import Views
from tests.projections.mail import Mailing, Post, Quiet, history, run_to_the_end, started
from tests.projections.shop import Added, FaultyStore, Noted, Poisonous, Removed, Shop, StockView, until

pytestmark = pytest.mark.above_engines

ITEMS = [f"item-{number}" for number in range(4)]


@pytest.fixture
def post() -> Post:
    return Post()


async def test_they_run_once_in_the_streams_order(shop: Shop, post: Post) -> None:
    await history(shop)
    await run_to_the_end(shop, Mailing(post))
    assert {item: post.versions(item) for item in ITEMS} == {item: [1, 2, 3, 4, 5] for item in ITEMS}


async def test_the_row_is_committed_when_they_run(shop: Shop) -> None:
    seen: list[int] = []

    class Looking(Quiet, name="mailing"):
        @after_commit(Added)
        async def told(self, e: Recorded[Added]) -> None:
            row = await shop.engine.read_models.get(StockView, e.stream)
            seen.append(0 if row is None else row.units)

    await shop.append("item-1", Added(units=5))
    await run_to_the_end(shop, Looking(Post()))
    assert seen == [5]


async def test_another_process_does_not_run_them_again(shop: Shop, post: Post) -> None:
    await history(shop)
    for _ in range(3):
        await run_to_the_end(shop, Mailing(post))
    await shop.append("item-0", Added(units=1))
    await run_to_the_end(shop, Mailing(post))
    assert post.counts == {"item-0": 6, "item-1": 5, "item-2": 5, "item-3": 5}


async def test_they_never_run_in_a_rebuild(shop: Shop, post: Post) -> None:
    await history(shop)
    synchronizer = await started(shop, Mailing(post))
    await synchronizer.rebuild_read_model(StockView, batch_size=3)
    await synchronizer.caught_up()
    assert len(post.sent) == 20
    await shop.append("item-0", Added(units=1))
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert post.sent[20:] == [("item-0", 6)]


async def test_they_do_not_run_when_events_are_applied_again(shop: Shop, post: Post) -> None:
    if shop.engine.log.partitions > 1:
        return  # refused, as test_rebuild shows
    await history(shop)
    synchronizer = await started(shop, Mailing(post))
    await synchronizer.rebuild_read_model(StockView, from_event=5)
    await synchronizer.stop()
    assert len(post.sent) == 20


async def test_they_do_not_run_again_after_a_reset(shop: Shop, post: Post) -> None:
    await history(shop)
    synchronizer = await started(shop, Mailing(post))
    await synchronizer.reset(Mailing)
    await shop.append("item-0", Added(units=1))
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert await shop.events_seen() == {"item-0": 6, "item-1": 5, "item-2": 5, "item-3": 5}
    assert post.counts == {"item-0": 6, "item-1": 5, "item-2": 5, "item-3": 5}


async def test_a_process_that_dies_in_the_middle_leaves_the_rest_to_the_next(shop: Shop, post: Post) -> None:
    """The rows are committed, three of the mails are out, and nobody has stored that."""
    stuck = asyncio.Event()

    class Dying(Mailing, name="mailing"):
        @after_commit(Added)
        async def told(self, e: Recorded[Added]) -> None:
            if len(post.sent) == 3:
                stuck.set()
                await asyncio.Event().wait()
            post.sent.append((e.stream, e.version))

    await history(shop, events=12)
    synchronizer = shop.synchronizer(Dying(post))
    await synchronizer.start()
    await stuck.wait()
    await synchronizer.stop(drain=0)
    assert sum((await shop.events_seen()).values()) >= 4
    for item in ITEMS:
        await shop.append(item, Added(units=1))  # for somebody to wait for, in every partition
    await run_to_the_end(shop, Mailing(post))
    assert sum((await shop.events_seen()).values()) == 16
    assert set(post.sent) == {(item, version) for item in ITEMS for version in (1, 2, 3, 4)}
    assert len(post.sent) <= 16 + 3  # of one page again, of the others never


async def test_those_of_a_parked_event_run_after_its_replay(shop: Shop, post: Post) -> None:
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    await shop.append("item-2", Added(units=5))
    mailing = Mailing(post, {13})
    synchronizer = await started(shop, mailing)
    assert sorted(post.sent) == [("item-1", 1), ("item-2", 1)]
    await synchronizer.dead_letters.retry(Mailing)
    assert len(post.sent) == 2
    mailing.poison.clear()
    await synchronizer.dead_letters.retry(Mailing)
    await synchronizer.stop()
    assert sorted(post.sent) == [("item-1", 1), ("item-1", 2), ("item-1", 3), ("item-2", 1)]
    assert post.versions("item-1") == [1, 2, 3]


async def test_those_of_a_parked_event_wait_over_a_restart(shop: Shop, post: Post) -> None:
    await shop.append("item-1", Added(units=13), Added(units=2))
    await run_to_the_end(shop, Mailing(post, {13}))
    await run_to_the_end(shop, Mailing(post, {13}))
    assert post.sent == []
    await shop.synchronizer(Mailing(post)).dead_letters.retry(Mailing)
    assert post.sent == [("item-1", 1), ("item-1", 2)]


async def test_a_discarded_event_has_none(shop: Shop, post: Post) -> None:
    await shop.append("item-1", Added(units=13), Added(units=2))
    synchronizer = await started(shop, Mailing(post, {13}))
    (first, _) = await synchronizer.dead_letters.list()
    await synchronizer.dead_letters.discard(Mailing, first.offset, first.partition)
    await synchronizer.caught_up()
    await synchronizer.stop()
    assert post.sent == [("item-1", 2)]


class Skipping(Mailing, name="mailing", errors={Poisonous: ErrorPolicy(retries=0, then="skip")}):
    pass


async def test_a_skipped_event_has_none(shop: Shop, post: Post) -> None:
    await shop.append("item-1", Added(units=1), Added(units=13), Added(units=2))
    await run_to_the_end(shop, Skipping(post, {13}))
    assert post.sent == [("item-1", 1), ("item-1", 3)]


async def test_one_that_raises_is_tried_again_then_logged(
    shop: Shop, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    class Failing(Mailing, name="mailing"):
        @after_commit(Added)
        async def told(self, e: Recorded[Added]) -> None:
            if e.data.units == 7:
                tries.append(e.version)
                raise ConnectionError("no post today")
            await super().told(e)

    await shop.append("item-1", Added(units=1), Added(units=7), Added(units=2))
    synchronizer = await started(shop, Failing(post))
    await synchronizer.stop()
    assert tries == [2] * (shop.options.retries + 1)
    assert post.sent == [("item-1", 1), ("item-1", 3)]
    assert [r.getMessage() for r in caplog.records if "a side effect of 'mailing' failed" in r.message]
    assert await synchronizer.dead_letters.list() == []
    assert await shop.stock() == {"item-1": 10}


async def test_one_that_fails_once_is_done_all_the_same(shop: Shop, post: Post) -> None:
    class Stumbling(Mailing, name="mailing"):
        stumbled = False

        @after_commit(Added)
        async def told(self, e: Recorded[Added]) -> None:
            if not self.stumbled:
                self.stumbled = True
                raise ConnectionError
            await super().told(e)

    await shop.append("item-1", Added(units=1), Added(units=2))
    await run_to_the_end(shop, Stumbling(post))
    assert post.sent == [("item-1", 1), ("item-1", 2)]


async def test_a_projection_that_gains_them_later_has_none_for_its_history(shop: Shop, post: Post) -> None:
    await history(shop)
    await shop.append("item-0", Noted())  # passed by, the last of its partition
    await run_to_the_end(shop, Quiet(post))
    await shop.append("item-0", Added(units=1))
    await run_to_the_end(shop, Mailing(post))
    assert post.sent == [("item-0", 7)]


async def test_nor_for_what_it_comes_by_again_after_a_reset(shop: Shop, post: Post) -> None:
    """Reset, it had come a part of the way when the release with side effects took over."""
    await history(shop)
    quiet = await started(shop, Quiet(post))
    await quiet.stop()
    await quiet.reset(Quiet)
    pages = 0

    def die(_: ProjectionCommit) -> None:
        nonlocal pages
        pages += 1
        if pages > 6:
            raise LeaseLost("to whoever starts next")

    store = FaultyStore(shop.engine)
    store.before = die
    half = shop.synchronizer(Quiet(post), parts=shop.fresh_parts(store=store), options=shop.small_pages)
    await half.start()
    await until(shop, lambda: _is_there(shop), True)
    await half.stop(drain=0)
    assert sum((await shop.events_seen()).values()) < 20
    await run_to_the_end(shop, Mailing(post))
    assert sum((await shop.events_seen()).values()) == 20
    assert post.sent == []


async def _is_there(shop: Shop) -> bool:
    return bool(await shop.stock())


async def test_what_is_passed_by_has_none_and_others_do(shop: Shop) -> None:
    told: list[object] = []

    class Both(ProjectionHandler, writes=[StockView], name="mailing"):
        @on(Added)
        async def added(self, e: Recorded[Added], views: Views) -> None:
            await views.add(StockView, e.stream, units=e.data.units)

        @on(Removed)
        async def removed(self, e: Recorded[Removed], views: Views) -> None:
            await views.add(StockView, e.stream, units=-e.data.units)

        @after_commit(Removed)
        async def told(self, e: Recorded[Removed], views: Views) -> None:
            told.append(await views.get(StockView, e.stream))

    await shop.append("item-1", Added(units=5), Removed(units=2), Noted())
    await run_to_the_end(shop, Both())
    assert told == [StockView(id="item-1", units=3)]


def test_an_effect_of_an_event_that_is_not_handled_is_refused(shop: Shop) -> None:
    class Mistaken(Quiet, name="mailing"):
        @after_commit(Removed)
        async def told(self, e: Recorded[Removed]) -> None: ...

    with pytest.raises(BadSignature, match="does not handle it"):
        shop.synchronizer(Mistaken(Post()))


def test_two_effects_of_one_event_are_refused(shop: Shop) -> None:
    class Twice(Mailing, name="mailing"):
        @after_commit(Added)
        async def also(self, e: Recorded[Added]) -> None: ...

    with pytest.raises(DuplicateName, match="write one"):
        shop.synchronizer(Twice(Post()))

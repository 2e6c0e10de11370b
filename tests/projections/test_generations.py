"""A version that is raised: filled beside the one served, whose release goes on meanwhile, and undone."""

from __future__ import annotations

import asyncio

import pytest

from headwater.consistency.waiting import TokenWaiter
from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import BadDeclaration, ProjectionOutdated, RebuildRefused, ViewParked
from headwater.models.model import Key, ReadModel
from headwater.models.selection import Selection
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import RunnerOptions
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from tests.projections.mail import Mailing, Post, history, run_to_the_end
from tests.projections.shop import Added, Poisonous, Shop, Stock, StockView, no_sleep, until

FAST = RunnerOptions(sleep=no_sleep, save_seconds=0.01, watch_seconds=0.05)


class Labels(ReadModel, table="shop_stock"):
    """What the table of `StockView` cannot hold: another type, a field less, one more without a default."""

    id: Key[str]
    units: str
    label: str


class Labelled(ProjectionHandler, writes=[Labels], name="stock", version=2):
    """The release after `Stock`; waits before each event while it is `held`."""

    def __init__(self, poison: set[int] | None = None) -> None:
        self.poison = poison or set()
        self.held = asyncio.Event()
        self.held.set()
        self.began = asyncio.Event()

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        self.began.set()
        await self.held.wait()
        if e.data.units in self.poison:
            raise Poisonous(f"{e.data.units} units")
        row = await views.get(Labels, e.stream)
        units = e.data.units + int(row.units if row else 0)
        await views.insert(Labels(id=e.stream, units=str(units), label="v2"))


class Ranged(Stock, name="stock", version=2, key=lambda e: e.stream, key_ranges=3):
    """The release after `Stock`, for several workers."""


async def release(shop: Shop, handler: ProjectionHandler) -> ReadModelSynchronizer:
    """As a process of its own."""
    synchronizer = shop.synchronizer(handler, parts=shop.fresh_parts(), options=FAST)
    await synchronizer.start()
    return synchronizer


async def version_served(shop: Shop, name: str = "stock") -> int:
    return next(g.version for g in await shop.engine.generations.all(name) if g.state == "serving")


async def labels(shop: Shop) -> dict[str, str]:
    return {row.id: row.units for row in await shop.engine.read_models.find(Labels, Selection())}


async def upgraded(shop: Shop, handler: ProjectionHandler) -> ReadModelSynchronizer:
    new = await release(shop, handler)
    await until(shop, lambda: version_served(shop), 2)
    await new.caught_up()
    return new


async def test_the_old_one_is_served_and_goes_on_while_the_new_one_is_built(shop: Shop) -> None:
    await history(shop)
    old = await release(shop, Stock())
    await old.caught_up()
    labelled = Labelled()
    labelled.held.clear()
    new = await release(shop, labelled)
    await labelled.began.wait()
    await shop.append("item-0", Added(units=10))
    await old.caught_up()
    assert (await shop.stock())["item-0"] == 15
    assert {(s.version, s.state) for s in await new.status()} == {(1, "serving"), (2, "building")}
    labelled.held.set()
    await until(shop, lambda: version_served(shop), 2)
    await new.caught_up()
    assert await labels(shop) == {"item-0": "15", "item-1": "5", "item-2": "5", "item-3": "5"}
    await new.stop()
    await old.stop()


async def test_at_the_swap_the_old_release_stands_down_and_says_so(shop: Shop) -> None:
    await history(shop)
    old = await release(shop, Stock())
    await old.caught_up()
    new = await upgraded(shop, Labelled())

    async def runs() -> bool:
        return any(status.running for status in await old.status())

    await until(shop, runs, False)
    await shop.append("item-0", Added(units=1))
    await new.caught_up()
    assert (await labels(shop))["item-0"] == "6"
    await new.stop()
    serving = [s for s in await old.status() if s.state == "serving"]
    assert {(s.version, s.condition) for s in serving} == {(2, "outdated")}
    assert {s.condition for s in await old.status() if s.state == "previous"} == {"kept"}
    await old.stop()


async def test_a_version_that_goes_down_is_refused_until_it_is_switched_back_to(shop: Shop) -> None:
    await history(shop)
    await run_to_the_end(shop, Stock())
    await (await upgraded(shop, Labelled())).stop()
    await shop.append("item-0", Added(units=1))
    with pytest.raises(ProjectionOutdated, match=r"version 2 .* is served, this code declares version 1.*switch-back"):
        await release(shop, Stock())
    with pytest.raises(RebuildRefused, match="older"):
        await shop.synchronizer(Stock()).rebuild_read_model(StockView)
    operator = shop.synchronizer(Stock(), parts=shop.fresh_parts())
    assert (await operator.switch_back(Stock, by="ops")).version == 1
    back = await release(shop, Stock())
    await back.caught_up()
    assert (await shop.stock())["item-0"] == 6
    await back.stop()


async def test_switched_back_under_the_new_release_it_stands_down(shop: Shop) -> None:
    """And does not build its version anew at once, which would undo what an operator has decided."""
    await history(shop)
    await run_to_the_end(shop, Stock())
    new = await upgraded(shop, Labelled())
    assert (await new.switch_back("stock")).version == 1
    old = await release(shop, Stock())
    await shop.append("item-0", Added(units=1))
    await old.caught_up()
    assert (await shop.stock())["item-0"] == 6
    assert await version_served(shop) == 1
    assert not any(s.running for s in await new.status())
    await old.stop()
    await new.stop()


async def test_an_instant_way_back_and_forth(shop: Shop) -> None:
    await history(shop)
    await run_to_the_end(shop, Stock())
    await (await upgraded(shop, Labelled())).stop()
    operator = shop.synchronizer(Stock(), parts=shop.fresh_parts())
    for version in (1, 2, 1):
        assert (await operator.switch_back("stock")).version == version
        assert await version_served(shop) == version
    assert sum((await shop.events_seen()).values()) == 20


async def test_two_processes_of_the_new_release_build_it_once(shop: Shop) -> None:
    await history(shop, events=40)
    await run_to_the_end(shop, Stock())
    first, second = await release(shop, Labelled()), await release(shop, Labelled())
    await until(shop, lambda: version_served(shop), 2)
    await shop.append("item-0", Added(units=1))
    await second.caught_up()
    assert await labels(shop) == {"item-0": "11", "item-1": "10", "item-2": "10", "item-3": "10"}
    assert [(g.version, g.state) for g in await shop.engine.generations.all()] == [(1, "previous"), (2, "serving")]
    await first.stop()
    await second.stop()


async def test_one_that_parks_what_the_other_did_not(shop: Shop) -> None:
    await history(shop)
    await shop.append("item-1", Added(units=13), Added(units=1))
    stock = Stock()
    stock.poison = {13}
    old = await release(shop, stock)
    await old.caught_up()
    assert len(await old.dead_letters.list()) == 2
    await old.stop()
    await (await upgraded(shop, Labelled())).stop()
    assert (await labels(shop))["item-1"] == "19"
    operator = shop.synchronizer(Labelled())
    assert await operator.dead_letters.list() == []
    await operator.switch_back("stock")
    assert [event.error for event in await operator.dead_letters.list()] == ["Poisonous: 13 units", None]


async def test_a_token_from_before_the_swap_waits_for_what_is_served_after_it(shop: Shop) -> None:
    await history(shop)
    old = await release(shop, Stock())
    await old.caught_up()
    labelled = Labelled()
    labelled.held.clear()
    parts = shop.fresh_parts()
    new = shop.synchronizer(labelled, parts=parts, options=FAST)
    await new.start()
    token = await shop.append("item-0", Added(units=10))
    waiter = TokenWaiter(parts, new.projections, shop.identity)
    await waiter.wait(token, ["stock"], timeout=30)  # of the one served, which the old release runs
    assert (await shop.stock())["item-0"] == 15
    labelled.held.set()
    await until(shop, lambda: version_served(shop), 2)
    await waiter.wait(token, ["stock"], timeout=30)
    assert (await labels(shop))["item-0"] == "15"
    await old.stop()
    await new.stop()


async def test_what_the_new_one_has_parked_is_said_once_it_is_served(shop: Shop) -> None:
    old = await release(shop, Stock())
    token = await shop.append("item-1", Added(units=13))
    waiter = TokenWaiter(shop.fresh_parts(), old.projections, shop.identity)
    await waiter.wait(token, ["stock"], timeout=30)
    new = await upgraded(shop, Labelled({13}))
    with pytest.raises(ViewParked, match="Poisonous: 13 units"):
        await waiter.wait(token, ["stock"], timeout=30)
    await old.stop()
    await new.stop()


class Mailing2(Mailing, name="mailing", version=2):
    pass


async def test_side_effects_go_on_where_the_old_ones_had_come_to(shop: Shop) -> None:
    post = Post()
    await history(shop)
    await run_to_the_end(shop, Mailing(post))
    await shop.append("item-0", Added(units=1), Added(units=1))
    new = await release(shop, Mailing2(post))
    await until(shop, lambda: version_served(shop, "mailing"), 2)
    await shop.append("item-0", Added(units=1))
    await new.caught_up()
    await new.stop()
    assert post.counts == {"item-0": 8, "item-1": 5, "item-2": 5, "item-3": 5}
    assert post.versions("item-0") == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_side_effects_are_not_repeated_on_the_way_back(shop: Shop) -> None:
    post = Post()
    await history(shop)
    await run_to_the_end(shop, Mailing(post))
    new = await release(shop, Mailing2(post))
    await until(shop, lambda: version_served(shop, "mailing"), 2)
    await shop.append("item-0", Added(units=1))
    await new.caught_up()
    await new.stop()
    await shop.synchronizer(Mailing(post), parts=shop.fresh_parts()).switch_back("mailing")
    await shop.append("item-0", Added(units=1))
    await run_to_the_end(shop, Mailing(post))
    assert sum((await shop.events_seen()).values()) == 22
    assert post.counts == {"item-0": 7, "item-1": 5, "item-2": 5, "item-3": 5}


async def test_other_key_ranges_come_with_another_version(shop: Shop) -> None:
    class Same(Stock, name="stock", key=lambda e: e.stream, key_ranges=3):
        pass

    await history(shop)
    await run_to_the_end(shop, Stock())
    with pytest.raises(BadDeclaration, match=r"key_ranges=1, this code declares 3: raise version="):
        await release(shop, Same())
    await (await upgraded(shop, Ranged())).stop()
    assert await shop.stock() == {f"item-{n}": 5 for n in range(4)}
    assert {s.key_range for s in await shop.synchronizer(Ranged()).status() if s.state == "serving"} == {0, 1, 2}


async def test_a_third_version_replaces_the_one_that_is_being_built(shop: Shop) -> None:
    class Third(Labelled, name="stock", version=3):
        pass

    await history(shop)
    await run_to_the_end(shop, Stock())
    labelled = Labelled()
    labelled.held.clear()
    second = await release(shop, labelled)
    await labelled.began.wait()
    third = await release(shop, Third())
    await until(shop, lambda: version_served(shop), 3)
    labelled.held.set()
    await second.stop()
    await third.stop()
    states = [(g.version, g.state) for g in await shop.engine.generations.all()]
    assert states == [(1, "previous"), (3, "serving")]

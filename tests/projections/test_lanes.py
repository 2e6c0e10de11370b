"""Lanes: keys side by side, each in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import BadDeclaration, StoreBusy
from headwater.projections.batch import BatchProjectionHandler
from headwater.projections.handler import ProjectionHandler
from headwater.read_models.views import Views
from tests.projections.pages import ALWAYS, Chain, Flaky, Linked, Noting, Pages, link, unregistered


class Side(Noting, BatchProjectionHandler, writes=[Chain], key="key"):
    """Knows which keys were at work at the same time."""

    def __init__(self) -> None:
        Noting.__init__(self)
        BatchProjectionHandler.__init__(self, parallelism=2)
        self.order: list[int] = []
        self.at_once: list[set[str]] = []
        self.working: set[str] = set()
        self.held = ""
        """A key that waits for the event of the number `opens`."""
        self.opens = -1
        self._open = asyncio.Event()

    @on(Linked)
    async def linked(self, e: Recorded[Linked], views: Views) -> None:
        assert e.data.key not in self.working
        self.working.add(e.data.key)
        self.at_once.append(set(self.working))
        self.order.append(e.data.number)
        try:
            if e.data.key == self.held:
                await self._open.wait()
            await self.note(e, views)
            if e.data.number == self.opens:
                self._open.set()
        finally:
            self.working.remove(e.data.key)


async def test_no_more_keys_at_once_than_declared() -> None:
    handler = Side()
    pages = Pages(handler, width=2)
    await pages.handle(*[link(number, "abcd"[number % 4]) for number in range(12)])
    assert max(map(len, handler.at_once)) == 2
    assert await pages.chains() == {key: [*range(start, 12, 4)] for start, key in enumerate("abcd")}


async def test_a_long_key_does_not_hold_up_the_rest() -> None:
    """The other worker goes through all other keys meanwhile."""
    handler = Side()
    handler.held, handler.opens = "a", 8
    pages = Pages(handler, width=2)
    await pages.handle(link(0, "a"), link(1, "a"), *[link(number, f"key-{number}") for number in range(2, 9)])
    assert handler.order == [0, *range(2, 9), 1]
    assert (await pages.chains())["a"] == [0, 1]


async def test_a_key_that_waits_for_its_retry_takes_no_worker() -> None:
    handler = Side()
    handler.failing = {0: (Flaky, 1), 1: (Flaky, 1)}
    handled: list[int] = []

    async def sleep(_: float) -> None:
        handled.append(len(set(handler.order)))
        await asyncio.sleep(0)

    pages = Pages(handler, width=2, sleep=sleep, retry_delay=60)
    await pages.handle(*[link(number, f"key-{number}") for number in range(6)])
    assert handled == [6, 6]
    assert len(await pages.chains()) == 6


async def test_a_parked_key_blocks_itself_alone() -> None:
    handler = Side()
    handler.failing = {2: (Flaky, ALWAYS)}
    pages = Pages(handler, width=2)
    outcome = await pages.handle(*[link(number, "ab"[number % 2]) for number in range(6)])
    assert [(event.offset, event.key, event.attempts) for event in outcome.parked] == [(2, "a", 3), (4, "a", 0)]
    assert await pages.chains() == {"a": [0], "b": [1, 3, 5]}
    outcome = await pages.handle(link(6, "a"), link(7, "b"))
    assert [event.offset for event in outcome.parked] == [6]


async def test_keys_that_write_one_row_are_handled_in_the_logs_order() -> None:
    pages = Pages(Side(), width=2)
    await pages.handle(*[link(number, "ab"[number % 2], row="all") for number in range(6)])
    assert await pages.chains() == {"all": [0, 1, 2, 3, 4, 5]}


async def test_an_event_whose_key_cannot_be_told_waits_for_none_of_its_stream_in_vain() -> None:
    """It is parked under its stream, which events of other keys behind it belong to."""
    pages = Pages(Side(), width=2)
    outcome = await pages.handle(link(0, "a", stream="s"), unregistered(1, "s"), link(2, "b", stream="s"), link(3, "c"))
    assert [(event.offset, event.key) for event in outcome.parked] == [(1, "s"), (2, "s")]
    assert await pages.chains() == {"a": [0], "c": [3]}


async def test_a_store_that_fails_in_one_lane_stops_them_all() -> None:
    handler = Side()
    handler.failing = {1: (StoreBusy, ALWAYS)}
    handler.held = "a"
    with pytest.raises(StoreBusy):
        await Pages(handler, width=2).handle(link(0, "a"), link(1, "b"))
    assert handler.working == set()


class Whole(BatchProjectionHandler, writes=[Chain], key="key"):
    """Gets lists of events."""

    def __init__(self) -> None:
        super().__init__(parallelism=2)
        self.batches: list[list[int]] = []

    async def handle_batch(self, events: Sequence[Recorded[Linked]], views: Views) -> None:
        self.batches.append([event.data.number for event in events])
        for event in events:
            await views.add(Chain, event.data.row, total=1)


async def test_keys_handled_at_once_are_dealt_evenly_in_the_logs_order() -> None:
    handler = Whole()
    await Pages(handler, width=2).handle(*[link(number, key) for number, key in enumerate("abacadaefa")])
    assert sorted(handler.batches) == [[0, 2, 4, 6, 9], [1, 3, 5, 7, 8]]


# -- commutative ---------------------------------------------------------------


class Totals(BatchProjectionHandler, writes=[Chain], commutative=True):
    def __init__(self, *, raising: bool = False) -> None:
        super().__init__(parallelism=4)
        self.raising = raising
        self.calls = 0

    @on(Linked)
    async def linked(self, e: Recorded[Linked], views: Views) -> None:
        self.calls += 1
        await asyncio.sleep(0)
        await views.add(Chain, "all", total=e.data.number)
        if self.raising:
            await views.max(Chain, "all", total=e.data.number)


async def total(pages: Pages) -> int:
    row = await pages.views.get(Chain, "all")
    return 0 if row is None else row.total


async def test_keys_that_only_accumulate_into_one_row_are_handled_once() -> None:
    handler = Totals()
    pages = Pages(handler, width=4)
    await pages.handle(*[link(number, f"key-{number}") for number in range(10)])
    assert (handler.calls, await total(pages)) == (10, 45)


async def test_sums_and_bounds_of_one_field_are_put_in_order() -> None:
    handler = Totals(raising=True)
    pages = Pages(handler, width=4)
    await pages.handle(*[link(number, f"key-{number}") for number in range(10)])
    assert (handler.calls, await total(pages)) == (20, 45)


class Claiming(ProjectionHandler, writes=[Chain], commutative=True):
    """Promises to accumulate, and inserts."""

    @on(Linked)
    async def linked(self, e: Recorded[Linked], views: Views) -> None:
        await views.insert(Chain(id=e.data.row))


async def test_what_claims_to_commute_may_only_accumulate() -> None:
    pages = Pages(Claiming())
    [parked] = (await pages.handle(link(0, "a"))).parked
    assert (parked.error or "").startswith("NotCommutative: projection 'claiming' declares commutative=True and makes")
    assert await pages.chains() == {}


class Undeclared(BatchProjectionHandler, writes=[Chain]):
    @on(Linked)
    async def linked(self, e: Recorded[Linked]) -> None:
        raise AssertionError


def test_lanes_need_to_know_what_may_be_handled_in_any_order() -> None:
    with pytest.raises(BadDeclaration, match="Undeclared: parallelism=2 needs a declared key=, or commutative=True"):
        Pages(Undeclared(parallelism=2))
    Pages(Undeclared(parallelism=1))

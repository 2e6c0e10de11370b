"""A page: events that fail are tried again while others go on, and set aside as declared."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec
import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import InvalidMessage, ParkingFull, ProjectionStopped, StoreBusy, UnknownEventType
from headwater.projections.error_policy import ErrorPolicy
from headwater.projections.fold import Fold
from headwater.projections.handler import ProjectionHandler
from headwater.read_models.views import Views
from tests.projections.pages import ALWAYS, Chain, Flaky, Linked, Linking, Pages, link, unregistered


class Skipping(Linking, errors={Flaky: ErrorPolicy(retries=1, then="skip"), LookupError: ErrorPolicy(then="stop")}):
    pass


class Scheduled(Linking, errors={Flaky: ErrorPolicy(retries=0, again_after=2_000)}):
    pass


async def test_an_event_that_recovers_leaves_the_logs_order_as_it_is() -> None:
    """Rows are shared: what comes after the event that recovered has read what it wrote."""
    handler = Linking()
    handler.failing = {1: (Flaky, 2), 3: (Flaky, 1)}
    pages = Pages(handler)
    outcome = await pages.handle(*[link(number, f"key-{number % 4}", row="all") for number in range(8)])
    assert await pages.chains() == {"all": list(range(8))}
    assert (outcome.parked, outcome.failures, pages.blocked) == ([], [], set())


async def test_others_are_handled_while_a_key_waits_for_its_retry() -> None:
    handler = Linking()
    handler.failing = {0: (Flaky, 1)}
    handled_before_the_wait: list[int] = []

    async def sleep(_: float) -> None:
        handled_before_the_wait.extend(handler.calls)

    pages = Pages(handler, sleep=sleep)
    await pages.handle(link(0, "a"), link(1, "b"), link(2, "a"), link(3, "b"))
    assert handled_before_the_wait == [0, 1, 3]  # 2 is behind 0
    assert await pages.chains() == {"a": [0, 2], "b": [1, 3]}


async def test_what_fails_for_good_has_nothing_handled_twice() -> None:
    handler = Linking()
    handler.failing = {2: (Flaky, ALWAYS)}
    pages = Pages(handler)
    await pages.handle(*[link(number, f"key-{number}") for number in range(6)])
    assert handler.calls == {0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 1}


class Now:
    """A time that passes only in sleep."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


async def test_the_waits_of_many_keys_are_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = Now()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now.seconds)
    handler = Linking()
    handler.failing = dict.fromkeys(range(0, 500, 101), (Flaky, 2))
    pages = Pages(handler, sleep=now.sleep, retry_delay=1.0)
    await pages.handle(*[link(number, f"key-{number % 50}") for number in range(500)])
    assert now.seconds == pytest.approx(1.0 + 2.0)  # pyright: ignore[reportUnknownMemberType]
    assert sum(map(len, (await pages.chains()).values())) == 500


async def test_a_failing_event_blocks_its_key_and_is_parked_with_its_cause() -> None:
    handler = Linking()
    handler.failing = {1: (Flaky, ALWAYS)}
    pages = Pages(handler, again_after=30)
    outcome = await pages.handle(*[link(number, "ab"[number % 2]) for number in range(5)])
    first, second = outcome.parked
    assert (first.generation, first.offset, first.key, first.attempts) == (7, 1, "b", 3)
    assert (first.error, first.retry_at) == ("Flaky: number 1", 31_000_000)
    assert (second.offset, second.key, second.error, second.attempts, second.retry_at) == (3, "b", None, 0, None)
    assert [failure.event.stored.offset for failure in outcome.failures] == [1]
    assert pages.blocked == {"b"}
    assert await pages.chains() == {"a": [0, 2, 4]}


async def test_a_skipped_event_is_told_and_lets_its_key_go_on() -> None:
    handler = Skipping()
    handler.failing = {0: (Flaky, ALWAYS), 2: (Flaky, 1)}
    pages = Pages(handler)
    outcome = await pages.handle(*[link(number, "a") for number in range(4)])
    assert await pages.chains() == {"a": [1, 2, 3]}
    assert (outcome.skipped, outcome.parked, pages.blocked) == (1, [], set())
    assert [type(failure.error) for failure in outcome.failures] == [Flaky]
    assert handler.calls[0] == 2


async def test_the_nearest_class_of_the_error_decides_and_the_page_ends_before_a_stop() -> None:
    handler = Skipping()
    handler.failing = {1: (ValueError, ALWAYS), 3: (KeyError, ALWAYS), 4: (Flaky, ALWAYS)}
    pages = Pages(handler)
    outcome = await pages.handle(*[link(number, f"key-{number}") for number in range(6)])
    assert [event.offset for event in outcome.parked] == [1]
    assert (outcome.stopped_at, outcome.skipped) == (3, 0)
    assert isinstance(outcome.stopped_by, ProjectionStopped)
    assert isinstance(outcome.stopped_by.__cause__, KeyError)
    assert "PageLinked chain-key-3@4 at 0:3 (KeyError: 'number 3')" in str(outcome.stopped_by)
    assert set(await pages.chains()) == {"key-0", "key-2"}
    assert pages.blocked == {"key-1"}


async def test_a_full_lot_stops_only_a_new_key() -> None:
    handler = Linking()
    handler.failing = {1: (Flaky, ALWAYS), 3: (Flaky, ALWAYS)}
    pages = Pages(handler, parked_keys=2)
    pages.blocked = {"z"}
    outcome = await pages.handle(*[link(number, key) for number, key in enumerate("abzcdb")])
    assert [(event.offset, event.error) for event in outcome.parked] == [(1, "Flaky: number 1"), (2, None)]
    assert (outcome.stopped_at, type(outcome.stopped_by)) == (3, ParkingFull)
    assert await pages.chains() == {"a": [0]}
    handler.failing.clear()
    outcome = await pages.handle(*[link(number, key) for number, key in [(3, "c"), (4, "d"), (5, "b")]])
    assert (outcome.stopped_at, [event.offset for event in outcome.parked]) == (None, [5])
    assert await pages.chains() == {"a": [0], "c": [3], "d": [4]}


async def test_a_parked_event_that_fails_again_rests_twice_as_long_up_to_an_hour() -> None:
    handler = Scheduled()
    handler.failing = {0: (Flaky, ALWAYS)}
    pages = Pages(handler)
    [event] = (await pages.handle(link(0, "a"))).parked
    rests: list[float] = []
    for parked_before in range(3):
        event = msgspec.structs.replace(event, attempts=parked_before, data=b"{}")
        again = pages.handler.parked_again(event, link(0, "a"), Flaky())
        assert (again.data, again.attempts, again.key) == (b"{}", 1, "a")
        rests.append(((again.retry_at or 0) - pages.handler.now) / 1_000_000)
    assert rests == [2_000, 3_600, 3_600]


class Everything(ProjectionHandler, writes=[Chain], key=lambda e: "one"):
    """Wants events of every type."""

    async def handle(self, event: Recorded[object], views: Views) -> None:
        await views.add(Chain, "all", total=1)


class Ignoring(Everything, unknown="ignore"):
    pass


class Strict(Everything, unknown="stop"):
    pass


async def test_an_unregistered_type_is_parked_under_its_stream() -> None:
    pages = Pages(Everything())
    outcome = await pages.handle(link(0, "a"), unregistered(1, "chain-a"), link(2, "a"), link(3, "b"))
    assert [(event.offset, event.key, event.attempts) for event in outcome.parked] == [
        (1, "chain-a", 1),
        (2, "chain-a", 0),
    ]
    assert [type(failure.error) for failure in outcome.failures] == [UnknownEventType]


async def test_an_unregistered_type_is_ignored_or_stops_as_declared() -> None:
    page = [link(0, "a"), unregistered(1, "chain-a"), link(2, "a")]
    ignoring, strict = Pages(Ignoring()), Pages(Strict())
    outcome = await ignoring.handle(*page)
    assert (outcome.parked, outcome.failures, outcome.stopped_at) == ([], [], None)
    outcome = await strict.handle(*page)
    assert (outcome.stopped_at, outcome.parked) == (1, [])
    assert isinstance(outcome.stopped_by, ProjectionStopped)
    for pages, total in ((ignoring, 2), (strict, 1)):
        row = await pages.views.get(Chain, "all")
        assert row is not None
        assert row.total == total


class Chains(Fold[Chain], key="row"):
    @on(Linked)
    def linked(self, row: Chain | None, e: Recorded[Linked]) -> Chain:
        return Chain(id=e.data.row, numbers=f"{row.numbers if row else ''}{e.data.number},")


@pytest.mark.parametrize("error", [None, InvalidMessage("too many"), StoreBusy("now")])
async def test_what_a_page_needs_is_read_at_once_where_that_is_possible(error: Exception | None) -> None:
    pages = Pages(Chains())
    await pages.handle(link(0, "a"))
    prepare, asked = pages.projection.prepare, list[list[int]]()
    assert prepare is not None

    async def watched(events: Sequence[Recorded[object]]) -> None:
        asked.append([event.position.offset for event in events])
        await prepare(events)
        if error is not None:
            raise error

    pages.projection.prepare = watched
    with pytest.raises(StoreBusy) if isinstance(error, StoreBusy) else contextlib.nullcontext():
        await pages.handle(link(1, "a"), unregistered(2, "s"), link(3, "a"))
        assert await pages.chains() == {"a": [0, 1, 3]}
    assert asked == [[1, 3]]

"""Whatever fails, however often and at whatever width: pages do what handling one event after another would."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.on import on
from headwater.projections.batch import BatchProjectionHandler
from headwater.projections.error_policy import ErrorPolicies, ErrorPolicy
from headwater.projections.handler import Unknown
from headwater.projections.outcome import Outcome
from headwater.read_models.views import Views
from tests.projections.pages import ALWAYS, Chain, Flaky, Linked, Noting, Pages, link, unregistered


class Passing(Exception):
    """Skipped after one retry."""


class Grave(Exception):
    """Nothing goes on behind it."""


POLICIES: ErrorPolicies = {
    Passing: ErrorPolicy(retries=1, delay=0.01, then="skip"),
    Grave: ErrorPolicy(retries=1, delay=0.03, then="stop"),
    OSError: ErrorPolicy(retries=3, delay=0.001),
}
TRIES: dict[type[Exception], int] = {Flaky: 3, Passing: 2, Grave: 2, OSError: 4}


class OneByOne(Noting, BatchProjectionHandler, writes=[Chain], key="key", errors=POLICIES):
    def __init__(self, parallelism: int) -> None:
        Noting.__init__(self)
        BatchProjectionHandler.__init__(self, parallelism=parallelism)

    @on(Linked)
    async def linked(self, e: Recorded[Linked], views: Views) -> None:
        await self.note(e, views)


class OneByOneIgnoring(OneByOne, unknown="ignore"):
    pass


class OneByOneStopping(OneByOne, unknown="stop"):
    pass


class AtOnce(Noting, BatchProjectionHandler, writes=[Chain], key="key", errors=POLICIES):
    def __init__(self, parallelism: int) -> None:
        Noting.__init__(self)
        BatchProjectionHandler.__init__(self, parallelism=parallelism)

    async def handle_batch(self, events: Sequence[Recorded[Linked]], views: Views) -> None:
        for event in events:
            await self.note(event, views)


class AtOnceIgnoring(AtOnce, unknown="ignore"):
    pass


class AtOnceStopping(AtOnce, unknown="stop"):
    pass


HANDLERS: dict[Unknown, tuple[type[OneByOne], type[AtOnce]]] = {
    "park": (OneByOne, AtOnce),
    "ignore": (OneByOneIgnoring, AtOnceIgnoring),
    "stop": (OneByOneStopping, AtOnceStopping),
}


@dataclass
class Case:
    """Pages of events, and how each fails."""

    pages: list[list[StoredEvent]]
    keys: dict[int, str]
    rows: dict[int, str]
    failing: dict[int, tuple[type[Exception], int]]
    unknown: Unknown
    width: int
    room: int
    blocked: set[str]


@dataclass
class Expected:
    """One event after another, in the log's order, each tried to its end before the next."""

    case: Case
    blocked: set[str]
    chains: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    parked: list[tuple[int, str, bool]] = field(default_factory=list[tuple[int, str, bool]])
    skipped: list[int] = field(default_factory=list[int])
    stopped_at: int | None = None

    def handle(self, page: Sequence[StoredEvent]) -> None:
        for stored in page:
            if not self._handled(stored):
                self.stopped_at = stored.offset
                return

    def _handled(self, stored: StoredEvent) -> bool:
        case, offset = self.case, stored.offset
        known = offset in case.keys
        if not known and case.unknown == "ignore":
            return True
        key = case.keys.get(offset, stored.stream)
        for held in (key, stored.stream):
            if held in self.blocked:
                self.parked.append((offset, held, False))
                return True
        error, times = case.failing.get(offset, (Flaky, 0))
        if known and times < TRIES[error]:
            self.chains.setdefault(case.rows[offset], []).append(offset)
            return True
        if known and error is Passing:
            self.skipped.append(offset)
            return True
        if (known and error is Grave) or (not known and case.unknown == "stop") or len(self.blocked) >= case.room:
            return False
        self.blocked.add(key)
        self.parked.append((offset, key, True))
        return True


@st.composite
def cases(draw: st.DrawFn) -> Case:
    number = draw(st.integers(1, 24))
    keys: dict[int, str] = {}
    rows: dict[int, str] = {}
    failing: dict[int, tuple[type[Exception], int]] = {}
    events: list[StoredEvent] = []
    for offset in range(number):
        stream = f"chain-{draw(st.integers(0, 3))}"
        if draw(st.integers(0, 11)) == 0:
            events.append(unregistered(offset, stream))
            continue
        keys[offset] = key = draw(st.sampled_from("abcd"))
        rows[offset] = draw(st.sampled_from([key, key, key, "shared"]))
        if draw(st.integers(0, 2)) == 0:
            error = draw(st.sampled_from([Flaky, Flaky, OSError, Passing, Grave]))
            failing[offset] = error, draw(st.sampled_from([1, TRIES[error] - 1, ALWAYS]))
        events.append(link(offset, key, rows[offset], stream))
    cut = draw(st.integers(0, number))
    return Case(
        pages=[page for page in (events[:cut], events[cut:]) if page],
        keys=keys,
        rows=rows,
        failing=failing,
        unknown=draw(st.sampled_from(["park", "ignore", "stop"])),
        width=draw(st.sampled_from([1, 2, 4])),
        room=draw(st.integers(0, 5)),
        blocked=draw(st.sets(st.sampled_from(["a", "b", "chain-1"]), max_size=2)),
    )


async def check(case: Case, handler: OneByOne | AtOnce) -> None:
    handler.failing = case.failing
    pages = Pages(handler, case.width, parked_keys=case.room)
    pages.blocked = set(case.blocked)
    expected = Expected(case, set(case.blocked))
    parked: list[tuple[int, str, bool]] = []
    skipped: list[int] = []
    outcome = Outcome()
    for page in case.pages:
        outcome = await pages.handle(*page)
        parked += [(event.offset, event.key, event.error is not None) for event in outcome.parked]
        causes = {event.offset for event in outcome.parked if event.error is not None}
        told = [failure.event.stored.offset for failure in outcome.failures]
        assert causes <= set(told)
        assert told == sorted(told)
        skipped += [offset for offset in told if offset not in causes]
        assert outcome.skipped == len(told) - len(causes)
        expected.handle(page)
        if outcome.stopped_at is not None:
            break
    assert (outcome.stopped_at, outcome.stopped_by is None) == (expected.stopped_at, expected.stopped_at is None)
    assert (parked, skipped, pages.blocked) == (expected.parked, expected.skipped, expected.blocked)
    assert await pages.chains() == expected.chains


@given(cases())
def test_one_by_one(case: Case) -> None:
    asyncio.run(check(case, HANDLERS[case.unknown][0](case.width)))


@given(cases())
def test_at_once(case: Case) -> None:
    asyncio.run(check(case, HANDLERS[case.unknown][1](case.width)))

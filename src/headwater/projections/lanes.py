"""Lanes: the keys of one page handled side by side, each key in order."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from typing import TypeAlias

from headwater.domain.event import StoredEvent
from headwater.handling.batch import Batch
from headwater.models.changes import Accumulate, Change
from headwater.models.model import ReadModel
from headwater.projections.decoding import Decoded
from headwater.projections.page import Outcome, PageHandler
from headwater.projections.retrying import Course

__all__ = ["handle_in_lanes"]

_Row: TypeAlias = "tuple[type[ReadModel], object]"


class _Queue:
    """Events of one key, or of some keys that are handled together, in order."""

    __slots__ = ("decoded", "events")

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self.decoded: list[Decoded] = []

    def add(self, stored: StoredEvent, item: Decoded) -> None:
        self.events.append(stored)
        self.decoded.append(item)


async def handle_in_lanes(
    pages: PageHandler,
    events: Sequence[StoredEvent],
    decoded: Sequence[Decoded],
    batch: Batch,
    blocked: set[str],
    width: int,
) -> Outcome:
    """Handle a page's keys, at most `width` at a time, each with a batch of its own; joined as the keys appear.

    Two keys that wrote the same row, other than by accumulating, may have missed each other's change: then
    nothing of them is kept and the page is handled in the log's order. So it is where a key cannot be told, and
    where the page ends at an event that cannot be passed.
    """
    queues = _by_key(pages, events, decoded)
    if queues is None:
        return await pages.handle(events, decoded, batch, blocked)
    if pages.at_once:
        queues = _dealt(queues, width)
    batches = [batch.beside() for _ in queues]
    courses = [
        pages.course(queue.events, queue.decoded, own, blocked) for queue, own in zip(queues, batches, strict=True)
    ]
    await _Lanes(pages, courses, [len(queue.events) for queue in queues]).run(width)
    unhandled = [event for course in courses for event in course.unhandled]
    parked = set(blocked)
    outcome = pages.outcome(sorted(unhandled, key=lambda event: event.stored.offset), parked)
    if outcome.stopped_at is not None or _overlap(batches):
        return await pages.handle(events, decoded, batch, blocked)
    blocked |= parked
    for own in batches:
        batch.join(own)
    return outcome


class _Lanes:
    """Workers that take the next course that can go on: the longest first, so that none is left over at the end.

    A course whose event waits to be tried again takes no worker meanwhile.
    """

    def __init__(self, pages: PageHandler, courses: Sequence[Course], lengths: Sequence[int]) -> None:
        self._pages = pages
        self._courses = courses
        self._ready = sorted(range(len(courses)), key=lambda number: (lengths[number], -number))
        """The next one last."""
        self._resting: list[tuple[float, int]] = []
        """When they can go on, the first one first."""

    async def run(self, width: int) -> None:
        """Every course to its end; the first error of one stops the others."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(width, len(self._courses))):
                    group.create_task(self._work())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _work(self) -> None:
        while self._ready or self._resting:
            number = await self._next()
            due = await self._courses[number].go_on()
            if due is not None:
                heapq.heappush(self._resting, (due, number))

    async def _next(self) -> int:
        now = asyncio.get_running_loop().time()
        if self._ready and not (self._resting and self._resting[0][0] <= now):
            return self._ready.pop()
        due, number = heapq.heappop(self._resting)
        await self._pages.wait(due)
        return number


def _by_key(pages: PageHandler, events: Sequence[StoredEvent], decoded: Sequence[Decoded]) -> list[_Queue] | None:
    """Events by key, in the order the keys appear; None if the key of one cannot be told."""
    queues: dict[str, _Queue] = {}
    for stored, item in zip(events, decoded, strict=True):
        key = pages.own_key(stored, item)
        if key is None:
            if not pages.concerns(item):
                continue
            return None
        queue = queues.get(key)
        if queue is None:
            queue = queues[key] = _Queue()
        queue.add(stored, item)
    return list(queues.values())


def _dealt(queues: Sequence[_Queue], width: int) -> list[_Queue]:
    """The keys in at most `width` lots of about the same length, each in the log's order."""
    lots: list[list[_Queue]] = [[] for _ in range(min(width, len(queues)))]
    lengths = [(0, number) for number in range(len(lots))]
    for queue in sorted(queues, key=lambda queue: -len(queue.events)):
        length, number = lengths[0]
        lots[number].append(queue)
        heapq.heapreplace(lengths, (length + len(queue.events), number))
    return [_joined(lot) for lot in lots]


def _joined(lot: Sequence[_Queue]) -> _Queue:
    joined = _Queue()
    pairs = [pair for queue in lot for pair in zip(queue.events, queue.decoded, strict=True)]
    for stored, item in sorted(pairs, key=lambda pair: pair[0].offset):
        joined.add(stored, item)
    return joined


def _overlap(batches: Sequence[Batch]) -> bool:
    """True if two batches change one row and the changes do not commute."""
    owners: dict[_Row, int] = {}
    shared: set[_Row] = set()
    for number, batch in enumerate(batches):
        for change in batch.changes:
            row = change.model, change.key
            if owners.setdefault(row, number) != number:
                shared.add(row)
    return bool(shared) and not _commute(
        [change for batch in batches for change in batch.changes if (change.model, change.key) in shared]
    )


def _commute(changes: Sequence[Change]) -> bool:
    """True if all accumulate, and no field of a row is accumulated in two ways."""
    blanks: dict[_Row, ReadModel] = {}
    ways: dict[tuple[_Row, str], str] = {}
    for change in changes:
        if not isinstance(change, Accumulate):
            return False
        row = change.model, change.key
        if blanks.setdefault(row, change.missing) != change.missing:
            return False
        for way, fields in (("add", change.add), ("max", change.max), ("min", change.min)):
            if any(ways.setdefault((row, field), way) != way for field in fields):
                return False
    return True

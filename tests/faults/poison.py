"""poison: events that cannot be handled stop their own key and nothing else; after a fix they are handled in order."""

from __future__ import annotations

import asyncio
from collections import Counter

from headwater import CQRSManager, ProjectionHandler, Recorded, RunnerOptions, Views, on
from tests.faults.counting import miscounts
from tests.faults.effects import put
from tests.faults.history import Findings
from tests.faults.marks import MarkCount
from tests.faults.operation import Mark
from tests.faults.report import Row, row
from tests.faults.stores import ON_SQLITE, Stores

__all__ = ["park_poison"]

STREAMS = 100
POISONED = "marked-s7"
FROM = 5
"""The first version of the stream that cannot be handled."""


class Cautious(ProjectionHandler, writes=[MarkCount]):
    """Counts events, and the order it saw each stream in."""

    def __init__(self) -> None:
        self.poisonous = True
        self.seen: dict[str, int] = {}
        self.reordered: list[str] = []

    @on(Mark)
    async def counted(self, event: Recorded[Mark], views: Views) -> None:
        if self.poisonous and event.stream == POISONED and event.version == FROM:
            raise ValueError("this event is poison")
        if event.version != self.seen.get(event.stream, 0) + 1:
            self.reordered.append(f"{event.stream}@{event.version} came after {self.seen.get(event.stream, 0)}")
        self.seen[event.stream] = event.version
        await views.add(MarkCount, event.stream, events=1)


async def park_poison(events: int, stores: Stores = ON_SQLITE) -> Row:
    """One stream of a hundred is poisoned; it is parked, then freed, while events keep coming."""
    projection, findings = Cautious(), Findings()
    each = events // STREAMS // 2
    options = RunnerOptions(batch_size=100, retries=1, retry_delay=0.001)
    async with stores.new(1) as url, CQRSManager(url, projections=[projection], runner=options) as cqrs:
        await _put_all(cqrs, each)
        await cqrs.synchronizer.caught_up()
        await _check_parked(cqrs, each, findings)
        projection.poisonous = False
        retried, _ = await asyncio.gather(
            cqrs.synchronizer.dead_letters.retry(Cautious, key=POISONED), _put_all(cqrs, each)
        )
        await cqrs.synchronizer.caught_up()
        if retried.handled < each - FROM + 1 or await cqrs.synchronizer.dead_letters.list():
            findings.other.append(f"after the fix {retried}, and not everything has left")
        total, found = await miscounts(cqrs)
        findings.add(found)
    findings.reordered += projection.reordered
    promise = f"{stores.title}a poisoned key is parked, every other is exact, and it too after a fix"
    return row(promise, total, 1, findings)


async def _put_all(cqrs: CQRSManager, each: int) -> None:
    for done in range(0, each, 10):
        number = min(10, each - done)
        await asyncio.gather(*(put(cqrs.engine, f"s{place}", number) for place in range(STREAMS)))


async def _check_parked(cqrs: CQRSManager, each: int, findings: Findings) -> None:
    parked = await cqrs.synchronizer.dead_letters.list()
    if len(parked) != each - FROM + 1 or {event.key for event in parked} != {POISONED}:
        findings.other.append(f"{len(parked)} events are parked, of { ({event.key for event in parked}) }")
    if [event.error is not None for event in parked] != [True] + [False] * (len(parked) - 1):
        findings.other.append("the first parked event alone has a cause, the others wait behind it")
    _, found = await miscounts(cqrs, Counter({POISONED: len(parked)}))
    findings.add(found)

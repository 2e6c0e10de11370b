"""The projections that processes share: a sum, rows in key ranges, a fold, and one with poison.

Each tells a doubled event, and those with a row for each stream an early one.
"""

from __future__ import annotations

import contextlib
from collections import Counter

from headwater import (
    CQRSManager,
    ErrorPolicy,
    Fold,
    Key,
    ProjectionHandler,
    ReadModel,
    Recorded,
    RunnerOptions,
    Views,
    on,
)
from headwater.domain.append import Append, Write
from headwater.domain.event import NewEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion
from headwater.errors import StoreBusy
from headwater.handling.ids import uuid7
from headwater.ports.engine import Engine
from tests.faults.history import Findings
from tests.faults.operation import Mark
from tests.faults.reading import damages

__all__ = ["OPTIONS", "PARTITIONS", "all_miscounted", "handlers", "put", "put_at_last", "shared"]

OPTIONS = RunnerOptions(batch_size=20, lease_seconds=0.5, watch_seconds=0.5)
"""Small batches and short leases: many commits to be killed in, and somebody soon there to take over."""

PARTITIONS = 2
"""Of the log, where there can be several."""

POISONED = 13
"""The version of some streams' events that cannot be handled."""


class Total(ReadModel, table="shared_totals"):
    name: Key[str]
    events: int = 0


class Ranged(ReadModel, table="shared_ranged"):
    stream: Key[str]
    events: int = 0
    last: int = 0
    inversions: int = 0


class Folded(ReadModel, table="shared_folded"):
    stream: Key[str]
    events: int = 0
    last: int = 0
    inversions: int = 0


class Cautious(ReadModel, table="shared_cautious"):
    stream: Key[str]
    events: int = 0
    last: int = 0
    inversions: int = 0


class Totals(ProjectionHandler, writes=[Total], commutative=True):
    @on(Mark)
    async def counted(self, e: Recorded[Mark], views: Views) -> None:
        await views.add(Total, "all", events=1)


class InRanges(ProjectionHandler, writes=[Ranged], key=lambda e: e.stream, key_ranges=3):
    @on(Mark)
    async def counted(self, e: Recorded[Mark], views: Views) -> None:
        row = await views.get(Ranged, e.stream) or Ranged(stream=e.stream)
        early = int(e.version != row.last + 1)
        row = Ranged(stream=e.stream, events=row.events + 1, last=e.version, inversions=row.inversions + early)
        await views.insert(row)


class Folds(Fold[Folded], category="shared"):
    @on(Mark)
    def counted(self, row: Folded | None, e: Recorded[Mark]) -> Folded:
        row = row or Folded(stream=e.stream_id)
        early = int(e.version != row.last + 1)
        return Folded(stream=e.stream_id, events=row.events + 1, last=e.version, inversions=row.inversions + early)


class WithPoison(ProjectionHandler, writes=[Cautious], errors={ValueError: ErrorPolicy(retries=0)}):
    """Parks a tenth of the streams, until it is mended."""

    def __init__(self, mended: bool) -> None:
        self._mended = mended

    @on(Mark)
    async def counted(self, e: Recorded[Mark], views: Views) -> None:
        if e.version == POISONED and e.stream.endswith("7") and not self._mended:
            raise ValueError("this event is poison")
        row = await views.get(Cautious, e.stream) or Cautious(stream=e.stream)
        early = int(e.version != row.last + 1)
        row = Cautious(stream=e.stream, events=row.events + 1, last=e.version, inversions=row.inversions + early)
        await views.insert(row)


def handlers(*, mended: bool = False) -> list[ProjectionHandler]:
    """What every process runs."""
    return [Totals(), InRanges(), Folds(), WithPoison(mended)]


def shared(url: str, *, run_projections: bool = True, mended: bool = False) -> CQRSManager:
    """The application of every process; `mended` it knows what to do with poison."""
    return CQRSManager(url, projections=handlers(mended=mended), runner=OPTIONS, run_projections=run_projections)


async def all_miscounted(url: str) -> tuple[int, Findings]:
    """Run the projections to the log's end, have what is parked handled by a mended one, count, and verify."""
    async with shared(url, mended=True) as cqrs:
        await cqrs.synchronizer.caught_up(timeout=300)
        if await cqrs.synchronizer.dead_letters.list(limit=1):
            await cqrs.synchronizer.dead_letters.retry(WithPoison)
        events, found = await _miscounted(cqrs)
        found.other += await damages(cqrs.engine)
        if left := await cqrs.synchronizer.dead_letters.list(limit=1):
            found.other.append(f"{left[0].key} is still parked: {left[0].error}")
    return events, found


async def put(engine: Engine, stream: str, number: int) -> None:
    """Append marks to a stream."""
    events = tuple([NewEvent(uuid7(), "Mark", 1, b'{"id":"","part":1,"of":1}') for _ in range(number)])
    write = Write(stream=StreamId("shared", stream), expected=AnyVersion(), events=events)
    await engine.events.append(Append(writes=(write,)))


async def put_at_last(engine: Engine, stream: str, number: int) -> None:
    """The same, however long others hold the store."""
    while True:
        with contextlib.suppress(StoreBusy):  # nothing of it was committed
            return await put(engine, stream, number)


async def _miscounted(cqrs: CQRSManager) -> tuple[int, Findings]:
    """How many events there are, and every row that has another number of effects, or had them out of order."""
    events: Counter[str] = Counter()
    async for event in cqrs.read_log():
        events[event.stream] += 1
    found = Findings()
    total = await cqrs.read_models.get(Total, "all")
    _compare("the total", events.total(), total.events if total else 0, found)
    ranged = {row.stream: (row.events, row.inversions) for row in await cqrs.read_models.find(Ranged)}
    folded = {f"shared-{row.stream}": (row.events, row.inversions) for row in await cqrs.read_models.find(Folded)}
    cautious = {row.stream: (row.events, row.inversions) for row in await cqrs.read_models.find(Cautious)}
    for name, rows in (("in ranges", ranged), ("folded", folded), ("once poisoned", cautious)):
        for stream in events.keys() | rows.keys():
            effects, inversions = rows.get(stream, (0, 0))
            _compare(f"{name} {stream}", events[stream], effects, found)
            if inversions:
                found.reordered.append(f"{name} {stream} saw {inversions} events out of order")
    return events.total(), found


def _compare(what: str, wanted: int, effects: int, found: Findings) -> None:
    text = f"{what} has {wanted} events and {effects} effects"
    if effects > wanted:
        found.duplicated.append(text)
    elif effects < wanted:
        found.lost.append(text)

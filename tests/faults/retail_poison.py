"""retail_poison: one event of a hundred of the retail data cannot be handled; every other key must not feel it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, cast

import msgspec

from headwater import CQRSManager, Key, ProjectionHandler, ReadModel, Recorded, RunnerOptions, Scale, Views
from headwater.demo.retail.events import BadDebtAdjusted, LineCancelled, LineEvent, LineSold, StockWrittenOff
from headwater.ports.log import Log, LogFilter, LogPage
from headwater.ports.parking import ParkedEvent, ParkedPlace
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit, ProjectionStore
from headwater.projections.synchronizer import ReadModelSynchronizer
from tests.faults.history import Findings
from tests.faults.report import Row, control, row
from tests.faults.retail_lines import Truth, append_lines, read_lines, truth_of
from tests.faults.stores import ON_SQLITE, Stores

__all__ = ["forget_poison", "poison_retail"]

EVERY = 100
"""One line of so many is poison."""
OPTIONS = RunnerOptions(retries=1, retry_delay=0.0, parked_keys=100_000, batch_seconds=3_600)
"""A page is as large with poison as without: its events and bytes count, not how long it took."""
LIMIT = 600.0


class Trail(ReadModel, table="invoice_trails"):
    """An invoice, and the order its lines came in."""

    invoice: Key[str]
    lines: int = 0
    amount: Annotated[Decimal, Scale(3)] = Decimal(0)
    last: int = 0
    """The version seen last."""
    inversions: int = 0


class Trails(ProjectionHandler, writes=[Trail]):
    """Cannot handle what is poison until it is mended."""

    def __init__(self, poisonous: bool) -> None:
        self.poisonous = poisonous

    def refuses(self, line: LineEvent) -> bool:
        return self.poisonous and line.line % EVERY == EVERY // 2

    async def handle(
        self, event: Recorded[LineSold | LineCancelled | StockWrittenOff | BadDebtAdjusted], views: Views
    ) -> None:
        line = event.data
        if self.refuses(line):
            raise ValueError("this line is poison")
        row = await views.get(Trail, line.invoice) or Trail(invoice=line.invoice)
        trail = Trail(
            invoice=line.invoice,
            lines=row.lines + 1,
            amount=row.amount + line.amount,
            last=event.version,
            inversions=row.inversions + int(event.version != row.last + 1),
        )
        await views.insert(trail)


class CountingLog:
    """A log that counts the reads that found something to go past."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.fetches = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        page = await self._log.read(partition, start, limit, only)
        self.fetches += int(page.next > start)
        return page


class ForgetfulStore:
    """For the control: commits everything but what was parked."""

    def __init__(self, store: ProjectionStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, commit: ProjectionCommit) -> None:
        await self._store.commit(msgspec.structs.replace(commit, parked=()))


async def poison_retail(lines: int, stores: Stores = ON_SQLITE) -> Row:
    """Three quarters of the lines with and without poison; then it is mended while the last quarter comes."""
    found = Findings()
    all_lines = await asyncio.to_thread(read_lines, lines)
    clean = await _run(all_lines, found, stores, poisonous=False)
    poisoned = await _run(all_lines, found, stores, poisonous=True)
    print(f"  fetches: {clean} without poison, {poisoned} with", flush=True)
    if poisoned > clean:
        found.other.append(f"with poison the log was fetched {poisoned} times, without {clean} times")
    poison = sum(map(Trails(poisonous=True).refuses, all_lines[: _first(lines)]))
    promise = f"{stores.title}1 % poison in the retail data: other keys exact, parked ones after the fix"
    return row(promise, lines, poison, found)


async def forget_poison(lines: int, stores: Stores = ON_SQLITE) -> Row:
    """The control: a store that forgets what is parked."""
    found = Findings()
    await _run(await asyncio.to_thread(read_lines, lines), found, stores, poisonous=True, forgetful=True)
    return control(f"{stores.title}a store that forgets parked events", lines, lines // EVERY, found)


async def _run(
    lines: Sequence[LineEvent], found: Findings, stores: Stores, *, poisonous: bool, forgetful: bool = False
) -> int:
    """How often the log was fetched until its end."""
    projection, first = Trails(poisonous), lines[: _first(len(lines))]
    async with stores.new(1) as url, _application(url, projection) as cqrs:
        await append_lines(cqrs, first)
        log, runs = _synchronizer(cqrs, projection, forgetful)
        await runs.start()
        await runs.caught_up(LIMIT)
        fetches = log.fetches
        await _check_offset(cqrs, found)
        parked = await _parked(runs)
        await _check(cqrs, first, parked, found)
        if not forgetful and parked.keys() != ({line.invoice for line in first if projection.refuses(line)}):
            found.other.append(f"{len(parked)} invoices are parked, and others than those with poison")
        projection.poisonous = False
        await asyncio.gather(_free(runs), append_lines(cqrs, lines[len(first) :]))
        await runs.caught_up(LIMIT)
        await _check(cqrs, lines, await _parked(runs), found)
        if not forgetful and await runs.dead_letters.list():
            found.other.append("not everything has left the parking after the fix")
        await runs.stop()
    return fetches


def _application(url: str, projection: ProjectionHandler) -> CQRSManager:
    return CQRSManager(url, projections=[projection], runner=OPTIONS, run_projections=False)


def _synchronizer(
    cqrs: CQRSManager, projection: ProjectionHandler, forgetful: bool
) -> tuple[CountingLog, ReadModelSynchronizer]:
    parts = cqrs.projection_parts()
    log = CountingLog(parts.log)
    store = cast("ProjectionStore", ForgetfulStore(parts.store)) if forgetful else parts.store
    parts = msgspec.structs.replace(parts, log=cast("Log", log), store=store)
    return log, ReadModelSynchronizer(parts, projection_handlers=[projection], options=OPTIONS)


async def _free(runs: ReadModelSynchronizer) -> None:
    if await runs.dead_letters.list(limit=1):
        await runs.dead_letters.retry(Trails)


async def _check_offset(cqrs: CQRSManager, found: Findings) -> None:
    at, head = (await cqrs.engine.projections.checkpoint(Place("trails"))).offset, await cqrs.engine.log.head(0)
    if at != head:
        found.other.append(f"with what is parked it stands at {at} of {head}")


async def _parked(runs: ReadModelSynchronizer) -> Mapping[str, Sequence[ParkedEvent]]:
    """By invoice, in order."""
    parked: dict[str, list[ParkedEvent]] = {}
    after: ParkedPlace | None = None
    while page := await runs.dead_letters.list(after=after):
        for event in page:
            parked.setdefault(event.key.removeprefix("invoice-"), []).append(event)
        after = page[-1].place
    return parked


async def _check(
    cqrs: CQRSManager, lines: Sequence[LineEvent], parked: Mapping[str, Sequence[ParkedEvent]], found: Findings
) -> None:
    """Every invoice of which nothing is parked is exact; of the others, what came before."""
    rows = {trail.invoice: trail for trail in await _trails(cqrs)}
    for invoice, wanted in truth_of(lines).items():
        row, waiting = rows.get(invoice) or Trail(invoice=invoice), len(parked.get(invoice, ()))
        text = f"invoice {invoice}: {row.lines} lines of {wanted.lines}, {waiting} parked"
        if row.lines < wanted.lines - waiting:
            found.lost.append(text)
        elif row.lines > wanted.lines - waiting:
            found.duplicated.append(text)
        elif not waiting and Truth(row.lines, row.amount) != wanted:
            found.other.append(f"invoice {invoice} amounts to {row.amount}, and should to {wanted.amount}")
        if row.inversions:
            found.reordered.append(f"invoice {invoice} saw {row.inversions} lines out of order")
    for invoice, events in parked.items():
        if [event.error is None for event in events] != [False] + [True] * (len(events) - 1):
            found.other.append(f"of what is parked of invoice {invoice} not the first one alone has a cause")


async def _trails(cqrs: CQRSManager) -> Sequence[Trail]:
    page = await cqrs.read_models.page(Trail, size=1_000)
    rows = [*page.items]
    while page.next_cursor is not None:
        page = await cqrs.read_models.page(Trail, size=1_000, cursor=page.next_cursor)
        rows += page.items
    return rows


def _first(lines: int) -> int:
    """How many are there when the projection begins."""
    return lines * 3 // 4

"""rebuild: a read model of one row for each event, filled anew beside the one that is served, then served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.domain import Credited
from bench.filling import fill
from bench.plan import Plan
from bench.raw import RawStore
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from bench.store import a_path, url
from headwater import CQRSManager, Indexed, Key, ProjectionHandler, ReadModel, Recorded, Views, on
from headwater.models.pipeline_parsing import parse_pipeline

__all__ = ["ACCOUNTS", "BATCH", "check", "measure", "rebuild"]

ACCOUNTS = 1_000
BATCH = 1_000
"""Events in one transaction, on both sides: what `rebuild_read_model` does unless told otherwise."""


class Entry(ReadModel, table="entries"):
    number: Key[int]
    account: Indexed[str]
    amount: int


class Entries(ProjectionHandler, writes=[Entry]):
    @on(Credited)
    async def credited(self, event: Recorded[Credited], views: Views) -> None:
        await views.insert(Entry(number=event.position.offset, account=event.stream, amount=event.data.amount))


def measure(plan: Plan) -> Iterator[Result]:
    """Against reading, decoding and inserting by hand: same pages, same table and index, same durability."""
    number = plan.size(50_000, 5_000)
    with a_path() as path, a_path() as other_path, asyncio.Runner() as runner:
        ours = runner.run(_opened(url(path), number))
        runner.run(_close(url(other_path), number))
        raw = RawStore(other_path)

        def by_hand() -> Sample:
            raw.execute("DELETE FROM entries")
            return timed(lambda: _copied(raw, number))

        def rebuilt() -> Sample:
            sample = timed(lambda: runner.run(rebuild(ours, Entries)))
            runner.run(check(ours, Entry, number))
            return sample

        samples = interleave({"raw": by_hand, "ours": rebuilt}, plan.rounds)
        runner.run(ours.close())
        raw.close()
    yield Result(
        name="rebuild beside what is served, a row for each event",
        value=median(samples["ours"], _rate),
        unit="events/s",
        better="higher",
        against=f"read, decode, insert by hand, {BATCH:,} for each transaction: {median(samples['raw'], _rate):,.0f}/s",
        ratio=median_ratio(samples["ours"], samples["raw"], _rate),
        goal=0.5,
    )


def _rate(sample: Sample) -> float:
    return sample.rate


def _copied(raw: RawStore, number: int) -> int:
    done = 0
    while done < number:
        done += raw.copy(done, BATCH)
    return done


async def _opened(url: str, events: int) -> CQRSManager:
    """With its events stored, and all of them in the read model that is served."""
    cqrs = CQRSManager(url, projections=[Entries()], run_projections=False)
    await cqrs.initialize()
    await fill(cqrs.engine, events, ACCOUNTS)
    await rebuild(cqrs, Entries)
    return cqrs


async def _close(url: str, events: int) -> None:
    await (await _opened(url, events)).close()


async def rebuild(cqrs: CQRSManager, entries: type[ProjectionHandler]) -> int:
    """The read model of a projection anew; how many events."""
    return (await cqrs.synchronizer.rebuild_read_model(entries, batch_size=BATCH)).done


async def check(cqrs: CQRSManager, entry: type[ReadModel], number: int) -> None:
    """Every event has its row."""
    totals = {"_id": None, "rows": {"$sum": 1}, "amount": {"$sum": "$amount"}}
    rows = await cqrs.engine.read_models.aggregate(entry, parse_pipeline([{"$group": totals}]))
    assert dict(rows[0]) == {"_id": None, "rows": number, "amount": 10 * number}, rows

"""projection: stored events into a SQLite read model of 1,000 rows, effect and checkpoint in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from bench.domain import Accounts, AccountView
from bench.filling import fill
from bench.peer import peer
from bench.plan import Plan
from bench.raw import RawStore
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from bench.store import a_path, url
from headwater import CQRSManager
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.ports.place import Place
from headwater.ports.projection_store import Reset

__all__ = ["Projecting", "measure"]

TOTALS = [
    {"$group": {"_id": None, "rows": {"$sum": 1}, "credits": {"$sum": "$credits"}, "balance": {"$sum": "$balance"}}}
]
ACCOUNTS = 1_000
BATCH = 100
"""Events in one transaction of the hand-written projection."""


def measure(plan: Plan) -> Iterator[Result]:
    """Against the same by hand at 100 events for each transaction, and against eventsourcing at its one."""
    number = plan.size(50_000, 5_000)
    with (
        a_path() as path,
        a_path() as other_path,
        asyncio.Runner() as runner,
        peer("eventsourcing_projection") as other,
    ):
        ours = runner.run(Projecting.opened(url(path), number))
        theirs = runner.run(Projecting.opened(url(other_path), number))
        runner.run(theirs.cqrs.close())
        raw = RawStore(other_path)

        def by_hand() -> int:
            done = 0
            while done < number:
                done += raw.project(done, BATCH)
            return done

        credits = [(f"account-f{count % ACCOUNTS}", 10) for count in range(number)]

        def writes_alone() -> int:
            return sum(raw.count(start, credits[start : start + BATCH]) for start in range(0, number, BATCH))

        def from_the_start(work: Callable[[], int]) -> Sample:
            raw.execute("DELETE FROM account_views")
            return timed(work)

        def caught_up() -> Sample:
            runner.run(ours.reset())
            sample = timed(lambda: runner.run(ours.catch_up()))
            runner.run(ours.check())
            return sample

        samples = interleave(
            {
                "raw": lambda: from_the_start(by_hand),
                "ours": caught_up,
                "writes": lambda: from_the_start(writes_alone),
                "eventsourcing": lambda: other.run(plan.size(2_000, 200)),
            },
            plan.rounds,
        )
        runner.run(ours.cqrs.close())
        raw.close()
        version = other.version
    for side, name, goal in (
        ("raw", f"read, decode, write by hand, {BATCH} for each transaction", 0.4),
        ("writes", f"the writes alone by hand, nothing read, {BATCH} for each transaction", 0.4),
        ("eventsourcing", f"eventsourcing {version}, from memory", 15),
    ):
        yield Result(
            name="projection into a read model",
            value=median(samples["ours"], _rate),
            unit="events/s",
            better="higher",
            against=f"{name}: {median(samples[side], _rate):,.0f}/s",
            ratio=median_ratio(samples["ours"], samples[side], _rate),
            goal=goal,
        )


def _rate(sample: Sample) -> float:
    return sample.rate


class Projecting:
    """A store with events, and its projection."""

    def __init__(self, cqrs: CQRSManager, events: int) -> None:
        self.cqrs = cqrs
        self._events = events

    @classmethod
    async def opened(cls, url: str, events: int) -> Projecting:
        cqrs = CQRSManager(url, projections=[Accounts()], run_projections=False)
        await cqrs.initialize()
        await fill(cqrs.engine, events, ACCOUNTS)
        return cls(cqrs, events)

    async def reset(self) -> None:
        """Back to the start."""
        store = self.cqrs.engine.projections
        places = [Place("accounts", partition) for partition in range(self.cqrs.engine.log.partitions)]
        epoch = max([(await store.checkpoint(place)).epoch for place in places])
        await store.reset(Reset(projection="accounts", generation=0, epoch=epoch, models=[AccountView]))

    async def catch_up(self) -> int:
        """Start the projection and wait until it has seen everything."""
        await self.cqrs.synchronizer.start()
        await self.cqrs.synchronizer.caught_up(timeout=600)
        await self.cqrs.synchronizer.stop()
        return self._events

    async def check(self) -> None:
        rows = await self.cqrs.engine.read_models.aggregate(AccountView, parse_pipeline(TOTALS))
        assert dict(rows[0]) == {
            "_id": None,
            "rows": ACCOUNTS,
            "credits": self._events,
            "balance": 10 * self._events,
        }, rows

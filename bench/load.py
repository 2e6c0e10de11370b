"""load: an aggregate of 1,000 events, from SQLite to its state; no snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.domain import Account, Credited, new_event
from bench.peer import peer
from bench.plan import Plan
from bench.raw import RawStore
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from bench.store import a_path, create, url
from headwater import CQRSManager, Repository

__all__ = ["BALANCE", "load", "measure", "saved"]

EVENTS = 1_000
BALANCE = 10 * EVENTS


def measure(plan: Plan) -> Iterator[Result]:
    """Processor time against hand-written code, time against eventsourcing."""
    number = plan.size(150, 15)
    with a_path() as ours, a_path() as theirs, asyncio.Runner() as runner, peer("eventsourcing_load") as other:
        runner.run(create(theirs))
        raw = RawStore(theirs)
        stream = raw.stream("account-a")
        for _ in range(EVENTS):
            raw.append(stream, new_event())
        cqrs = CQRSManager(url(ours), events=[Credited])
        runner.run(cqrs.initialize())
        accounts = cqrs.repository(Account)
        runner.run(saved(accounts))

        def by_hand() -> int:
            for _ in range(number):
                assert raw.load(stream) == BALANCE
            return number

        samples = interleave(
            {
                "raw": lambda: timed(by_hand),
                "ours": lambda: timed(lambda: runner.run(load(accounts, number))),
                "eventsourcing": lambda: other.run(plan.size(10, 2)),
            },
            plan.rounds,
        )
        runner.run(cqrs.close())
        raw.close()
        version = other.version
    ours_cpu, raw_cpu = median(samples["ours"], _cpu), median(samples["raw"], _cpu)
    yield Result(
        name="load of 1,000 events",
        value=ours_cpu,
        unit="µs of processor",
        better="lower",
        against=f"select, typed decode and evolve by hand: {raw_cpu:,.0f} µs",
        ratio=median_ratio(samples["ours"], samples["raw"], _cpu),
        goal=1.5,
    )
    yield Result(
        name="load of 1,000 events",
        value=median(samples["ours"], _rate),
        unit="loads/s",
        better="higher",
        against=f"eventsourcing {version}: {median(samples['eventsourcing'], _rate):,.0f}/s",
        ratio=median_ratio(samples["ours"], samples["eventsourcing"], _rate),
        goal=8,
    )


def _cpu(sample: Sample) -> float:
    return sample.cpu_micros


def _rate(sample: Sample) -> float:
    return sample.rate


async def saved(accounts: Repository[Account]) -> None:
    account = Account("a")
    for _ in range(EVENTS):
        account.credit(10)
    await accounts.save(account)


async def load(accounts: Repository[Account], number: int) -> int:
    for _ in range(number):
        account = await accounts.load("a")
        assert account.balance == BALANCE
    return number

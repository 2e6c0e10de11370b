"""read_your_write: from sending a command to seeing its effect in a read model; one user, one command at a time."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator

from bench.domain import Accounts, AccountView, Credit, GetAccount, credit, get_account, new_event
from bench.plan import Plan
from bench.raw import RawStore
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio
from bench.store import a_path, url
from headwater import CQRSManager

__all__ = ["WRITES", "execute", "make", "measure"]

WRITES = 20
"""On one account, before the next."""


def measure(plan: Plan) -> Iterator[Result]:
    """The median wait against one append, one batch commit and one look-up by hand."""
    number = plan.size(300, 30)
    with a_path() as path, a_path() as other_path, asyncio.Runner() as runner:
        cqrs = CQRSManager(url(path), handlers=[credit, get_account], projections=[Accounts()])
        runner.run(cqrs.initialize())
        runner.run(make(url(other_path)))
        raw = RawStore(other_path)
        samples = interleave(
            {"raw": lambda: _by_hand(raw, number), "ours": lambda: runner.run(execute(cqrs, number))}, plan.rounds
        )
        runner.run(cqrs.close())
        raw.close()
    yield Result(
        name="own write visible, median",
        value=median(samples["ours"], _micros),
        unit="µs",
        better="lower",
        against=f"append and batch commit by hand: {median(samples['raw'], _micros):,.0f} µs",
        ratio=median_ratio(samples["ours"], samples["raw"], _micros),
        goal=3,
    )


def _micros(sample: Sample) -> float:
    return sample.micros


_names = iter(range(2**62))


async def make(url: str) -> None:
    cqrs = CQRSManager(url, read_models=[AccountView])
    await cqrs.initialize()
    await cqrs.close()


def _by_hand(raw: RawStore, number: int) -> Sample:
    waits: list[float] = []
    for count in range(number):
        if count % WRITES == 0:
            name = f"account-a{next(_names)}"
            stream = raw.stream(name)
        started = time.perf_counter()
        raw.append(stream, new_event())
        raw.project(raw.offset - 1, 100)
        assert raw.view(name) is not None
        waits.append(time.perf_counter() - started)
    return Sample(1, statistics.median(waits), 0)


async def execute(cqrs: CQRSManager, number: int) -> Sample:
    waits: list[float] = []
    for count in range(number):
        if count % WRITES == 0:
            name = f"a{next(_names)}"
        started = time.perf_counter()
        await cqrs.commands.execute(Credit(account=name, amount=10), wait_for=[Accounts])
        row = await cqrs.queries.execute(GetAccount(account=f"account-{name}"))
        waits.append(time.perf_counter() - started)
        assert row is not None
        assert row.credits == count % WRITES + 1
    return Sample(1, statistics.median(waits), 0)

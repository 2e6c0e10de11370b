"""PostgreSQL, load: an aggregate of 1,000 events, from the server to its state; no snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.domain import Account, Credited
from bench.load import BALANCE, load, saved
from bench.plan import Plan
from bench.postgres.raw import RawStore
from bench.postgres.server import Server
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from headwater import CQRSManager

__all__ = ["measure"]


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Time and processor time against fetch, typed decode and evolve by hand, on the same stream."""
    number = plan.size(100, 10)
    with asyncio.Runner() as runner:
        schema = server.schema()
        cqrs = CQRSManager(f"{server.url}&schema={schema}", events=[Credited])
        runner.run(cqrs.initialize())
        accounts = cqrs.repository(Account)
        runner.run(saved(accounts))
        raw = runner.run(RawStore.connected(server.url, schema))
        samples = interleave(
            {
                "raw": lambda: timed(lambda: runner.run(_by_hand(raw, number))),
                "ours": lambda: timed(lambda: runner.run(load(accounts, number))),
            },
            plan.rounds,
        )
        runner.run(cqrs.close())
        runner.run(raw.close())
    for figure, unit, goal in ((_micros, "µs", 2), (_cpu, "µs of processor", None)):
        yield Result(
            name="PostgreSQL: load of 1,000 events",
            value=median(samples["ours"], figure),
            unit=unit,
            better="lower",
            against=f"fetch, typed decode and evolve by hand: {median(samples['raw'], figure):,.0f} µs",
            ratio=median_ratio(samples["ours"], samples["raw"], figure),
            goal=goal,
        )


def _micros(sample: Sample) -> float:
    return sample.micros


def _cpu(sample: Sample) -> float:
    return sample.cpu_micros


async def _by_hand(raw: RawStore, number: int) -> int:
    for _ in range(number):
        assert await raw.load("account-a") == BALANCE
    return number

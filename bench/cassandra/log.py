"""Cassandra, log: every event of a partition, in pages of 2,000."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.cassandra.raw import RawStore
from bench.cassandra.server import Server, opened
from bench.filling import fill
from bench.plan import Plan
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from headwater.ports.engine import Engine

__all__ = ["measure"]

PAGE = 2_000


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Against a select of the same rows, nothing proved and nothing made of them."""
    number = plan.size(40_000, 4_000)
    with asyncio.Runner() as runner:
        store = server.store(partitions="1")
        engine = runner.run(opened(store))
        runner.run(_filled(engine, number))
        raw = runner.run(RawStore.connected(store))
        samples = interleave(
            {
                "raw": lambda: timed(lambda: runner.run(_select(raw, number))),
                "ours": lambda: timed(lambda: runner.run(_read(engine, number))),
            },
            plan.rounds,
        )
        runner.run(engine.close())
        runner.run(raw.close())
    yield Result(
        name=f"Cassandra: log read in pages of {PAGE:,}",
        value=median(samples["ours"], _rate),
        unit="events/s",
        better="higher",
        against=f"select of the same rows: {median(samples['raw'], _rate):,.0f}/s",
        ratio=median_ratio(samples["ours"], samples["raw"], _rate),
        goal=0.5,
    )


def _rate(sample: Sample) -> float:
    return sample.rate


async def _filled(engine: Engine, number: int) -> None:
    await fill(engine, number, 100)
    seen = engine.wakeups.seen()
    while await engine.log.head(0) < number:
        seen = await engine.wakeups.wait(seen, 0.1)


async def _read(engine: Engine, number: int) -> int:
    start = 0
    while start < number:
        start = (await engine.log.read(0, start, PAGE)).next
    return start


async def _select(raw: RawStore, number: int) -> int:
    start = 0
    while start < number:
        start = await raw.page(0, start, PAGE)
    return start

"""Cassandra, growth: a store that has 1,000,000 events, beside one that has 10,000, a hundred to each append."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.append import CALLERS, append_at_once
from bench.cassandra.log import PAGE
from bench.cassandra.server import Server, opened
from bench.filling import fill
from bench.plan import Plan
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from headwater.ports.engine import Engine

__all__ = ["measure"]

SMALL = 10_000
APPEND = 100
"""Events in each append that is there, and in each stream."""


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Appends to new streams; the last pages of every partition of the log."""
    large, appends, pages = plan.size(1_000_000, 20_000), plan.size(3_200, 640), plan.size(5, 1)
    with asyncio.Runner() as runner:
        full, small = [runner.run(opened(server.store(partitions="4"))) for _ in range(2)]
        runner.run(_filled(full, large))
        runner.run(_filled(small, SMALL))
        samples = interleave(
            {
                "append, small": lambda: timed(lambda: runner.run(append_at_once(small, appends))),
                "append, large": lambda: timed(lambda: runner.run(append_at_once(full, appends))),
                "read, small": lambda: timed(lambda: runner.run(_read(small, pages))),
                "read, large": lambda: timed(lambda: runner.run(_read(full, pages))),
            },
            plan.rounds,
        )
        runner.run(full.close())
        runner.run(small.close())
    for side, what, unit in (("append", f"append, {CALLERS} callers,", "appends/s"), ("read", "log read", "events/s")):
        yield Result(
            name=f"Cassandra: {what} at {large:,} events",
            value=median(samples[f"{side}, large"], _rate),
            unit=unit,
            better="higher",
            against=f"at {SMALL:,} events: {median(samples[f'{side}, small'], _rate):,.0f}/s",
            ratio=median_ratio(samples[f"{side}, large"], samples[f"{side}, small"], _rate),
            goal=0.8,
        )


def _rate(sample: Sample) -> float:
    return sample.rate


async def _filled(engine: Engine, events: int) -> None:
    """Until all of it is in the log."""
    await fill(engine, events, events // APPEND)
    seen = engine.wakeups.seen()
    while sum([await engine.log.head(part) for part in range(engine.log.partitions)]) < events:
        seen = await engine.wakeups.wait(seen, 0.1)


async def _read(engine: Engine, pages: int) -> int:
    """So many of each partition; how many events they had."""
    events = 0
    for part in range(engine.log.partitions):
        start = max(0, await engine.log.head(part) - PAGE)
        for _ in range(pages):
            events += len((await engine.log.read(part, start, PAGE)).events)
    return events

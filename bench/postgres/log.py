"""PostgreSQL, log: every event of a partition, in pages of 2,000."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.filling import fill
from bench.plan import Plan
from bench.postgres.raw import RawStore
from bench.postgres.server import Server, opened
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from headwater.ports.engine import Engine

__all__ = ["measure"]

PAGE = 2_000


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Against a select of the same rows, nothing proved and nothing made of them."""
    number = plan.size(40_000, 4_000)
    with asyncio.Runner() as runner:
        schema = server.schema()
        engine = runner.run(opened(f"{server.url}&schema={schema}&partitions=1"))
        runner.run(fill(engine, number, 100))
        raw = runner.run(RawStore.connected(server.url, schema))
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
        name=f"PostgreSQL: log read in pages of {PAGE:,}",
        value=median(samples["ours"], _rate),
        unit="events/s",
        better="higher",
        against=f"select of the same rows: {median(samples['raw'], _rate):,.0f}/s",
        ratio=median_ratio(samples["ours"], samples["raw"], _rate),
    )


def _rate(sample: Sample) -> float:
    return sample.rate


async def _read(engine: Engine, number: int) -> int:
    start = 0
    while start < number:
        start = (await engine.log.read(0, start, PAGE)).next
    return start


async def _select(raw: RawStore, number: int) -> int:
    start = 0
    while start < number:
        start += await raw.page(0, start, PAGE)
    return start

"""PostgreSQL, projection: stored events of 8 partitions into a read model of 1,000 rows, with the checkpoints."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.plan import Plan
from bench.postgres.raw import PARTITIONS, RawStore
from bench.postgres.server import Server
from bench.projection import Projecting
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed

__all__ = ["measure"]

BATCH = 100
"""Events in one transaction of the hand-written projection."""


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Against the same by hand: a page, the handler's work, one statement for 100 events, in a transaction."""
    number = plan.size(50_000, 4_000)
    with asyncio.Runner() as runner:
        schema = server.schema()
        ours = runner.run(Projecting.opened(server.store(), number))
        theirs = runner.run(Projecting.opened(f"{server.url}&schema={schema}", number))
        runner.run(theirs.cqrs.close())
        raw = runner.run(RawStore.connected(server.url, schema))

        def by_hand() -> Sample:
            runner.run(raw.execute("TRUNCATE account_views"))
            sample = timed(lambda: runner.run(_project(raw)))
            assert sample.operations == number
            return sample

        def caught_up() -> Sample:
            runner.run(ours.reset())
            sample = timed(lambda: runner.run(ours.catch_up()))
            runner.run(ours.check())
            return sample

        samples = interleave({"raw": by_hand, "ours": caught_up}, plan.rounds)
        runner.run(ours.cqrs.close())
        runner.run(raw.close())
    yield Result(
        name="PostgreSQL: projection into a read model",
        value=median(samples["ours"], _rate),
        unit="events/s",
        better="higher",
        against=f"read, decode, write by hand, {BATCH} for each transaction: {median(samples['raw'], _rate):,.0f}/s",
        ratio=median_ratio(samples["ours"], samples["raw"], _rate),
        goal=0.3,
    )


def _rate(sample: Sample) -> float:
    return sample.rate


async def _project(raw: RawStore) -> int:
    total = 0
    for partition in range(PARTITIONS):
        start = 0
        while done := await raw.project(partition, start, BATCH):
            start += done
        total += start
    return total

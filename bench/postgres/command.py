"""PostgreSQL, command: bus, load, decide, append with the command's record, receipt; 64 callers on own accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.append import CALLERS
from bench.command import ByHand, at_once, execute
from bench.domain import credit
from bench.plan import Plan
from bench.postgres.server import Server, opened
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from headwater import CQRSManager

__all__ = ["measure"]


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Against the same work hand-written on the engine."""
    number = plan.size(6_400, 640)
    with asyncio.Runner() as runner:
        cqrs = CQRSManager(server.store(), handlers=[credit])
        runner.run(cqrs.initialize())
        engine = runner.run(opened(server.store()))
        by_hand = ByHand(engine)
        samples = interleave(
            {
                "by hand": lambda: timed(lambda: runner.run(at_once(by_hand.credit, number))),
                "ours": lambda: timed(lambda: runner.run(at_once(lambda account: execute(cqrs, account), number))),
            },
            plan.rounds,
        )
        runner.run(cqrs.close())
        runner.run(engine.close())
    yield Result(
        name=f"PostgreSQL: whole command, {CALLERS} callers",
        value=median(samples["ours"], _rate),
        unit="commands/s",
        better="higher",
        against=f"the same by hand on the engine: {median(samples['by hand'], _rate):,.0f}/s",
        ratio=median_ratio(samples["ours"], samples["by hand"], _rate),
    )


def _rate(sample: Sample) -> float:
    return sample.rate

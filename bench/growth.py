"""growth: appends to a store that has 2,000,000 events, beside one that has 10,000."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.append import CALLERS, append_at_once, append_in_turn
from bench.filling import fill
from bench.plan import Plan
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from bench.store import a_path, opened

__all__ = ["measure"]

SMALL = 10_000
STREAM = 20
"""Events in each stream that is there."""


def measure(plan: Plan) -> Iterator[Result]:
    """One caller and 64; the streams are new, their names and event ids spread over the whole indexes."""
    large = plan.size(2_000_000, 50_000)
    with a_path() as large_path, a_path() as small_path, asyncio.Runner() as runner:
        full, small = runner.run(opened(large_path)), runner.run(opened(small_path))
        runner.run(fill(full, large, large // STREAM))
        runner.run(fill(small, SMALL, SMALL // STREAM))
        one, many = plan.size(300, 50), plan.size(1_280, 640)
        samples = interleave(
            {
                "one, small": lambda: timed(lambda: runner.run(append_in_turn(small, one))),
                "one, large": lambda: timed(lambda: runner.run(append_in_turn(full, one))),
                "many, small": lambda: timed(lambda: runner.run(append_at_once(small, many))),
                "many, large": lambda: timed(lambda: runner.run(append_at_once(full, many))),
            },
            plan.rounds,
        )
        runner.run(full.close())
        runner.run(small.close())
    for side, who in (("one", "one caller"), ("many", f"{CALLERS} callers")):
        yield Result(
            name=f"append at {large:,} events, {who}",
            value=median(samples[f"{side}, large"], _rate),
            unit="appends/s",
            better="higher",
            against=f"at {SMALL:,} events: {median(samples[f'{side}, small'], _rate):,.0f}/s",
            ratio=median_ratio(samples[f"{side}, large"], samples[f"{side}, small"], _rate),
            goal=0.8,
        )


def _rate(sample: Sample) -> float:
    return sample.rate

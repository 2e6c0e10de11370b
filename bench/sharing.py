"""sharing: four processes that run the same four projections on one SQLite file, beside one that runs them alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import repeat

from bench.filling import fill
from bench.peer import Peer, program
from bench.plan import Plan
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from bench.sharing_process import MODELS, projections
from bench.store import a_path, url
from headwater import CQRSManager
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.ports.engine import Engine
from headwater.ports.place import Place
from headwater.ports.projection_store import Reset
from headwater.projections.handler import declaration_of

__all__ = ["measure"]

PROCESSES = 4
ACCOUNTS = 1_000
START, STOP = 1, 0
"""What a process is asked for."""


def measure(plan: Plan) -> Iterator[Result]:
    """From the word to all of them until every projection has seen every event, whoever runs it."""
    number = plan.size(50_000, 2_500)
    with a_path() as path, asyncio.Runner() as runner, ExitStack() as stack:
        cqrs = CQRSManager(url(path), projections=projections(), run_projections=False)
        runner.run(cqrs.initialize())
        runner.run(fill(cqrs.engine, number, ACCOUNTS))
        processes = [stack.enter_context(program("bench.sharing_process", url(path))) for _ in range(PROCESSES)]
        threads = stack.enter_context(ThreadPoolExecutor(PROCESSES))

        def ask(by: Sequence[Peer], what: int) -> int:
            list(threads.map(Peer.run, by, repeat(what)))
            return number * len(MODELS)

        def drained(by: Sequence[Peer]) -> Sample:
            runner.run(_reset(cqrs.engine))
            sample = timed(lambda: ask(by, START))
            ask(by, STOP)
            runner.run(_check(cqrs.engine, number))
            return sample

        samples = interleave({"four": lambda: drained(processes), "one": lambda: drained(processes[:1])}, plan.rounds)
        runner.run(cqrs.close())
    yield Result(
        name=f"backlog of {len(MODELS)} projections, shared by {PROCESSES} processes",
        value=median(samples["four"], _rate),
        unit="events/s",
        better="higher",
        against=f"one process: {median(samples['one'], _rate):,.0f}/s",
        ratio=median_ratio(samples["four"], samples["one"], _rate),
        goal=0.9,
    )


def _rate(sample: Sample) -> float:
    return sample.rate


async def _reset(engine: Engine) -> None:
    """Every projection back to the start."""
    for handler, model in zip(projections(), MODELS, strict=True):
        name = declaration_of(type(handler)).name
        checkpoint = await engine.projections.checkpoint(Place(name))
        await engine.projections.reset(Reset(projection=name, generation=0, epoch=checkpoint.epoch, models=[model]))


async def _check(engine: Engine, number: int) -> None:
    pipeline = parse_pipeline([{"$group": {"_id": None, "credits": {"$sum": "$credits"}}}])
    for model in MODELS:
        rows = await engine.read_models.aggregate(model, pipeline)
        assert rows[0]["credits"] == number, (model, rows)

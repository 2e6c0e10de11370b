"""append: one event for each append, encoded beforehand; one caller, then 64 at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from bench.domain import new_event
from bench.plan import Plan
from bench.raw import RawStore
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from bench.store import a_path, create, one_write, opened
from headwater.domain.stream import StreamId
from headwater.ports.engine import Engine

__all__ = ["CALLERS", "append_at_once", "measure"]

CALLERS = 64


def measure(plan: Plan) -> Iterator[Result]:
    """Against the plain driver, one event for each transaction, FULL on both sides."""
    with a_path() as ours, a_path() as theirs, asyncio.Runner() as runner:
        runner.run(create(theirs))
        raw, engine = RawStore(theirs), runner.run(opened(ours))
        samples = interleave(
            {
                "raw": lambda: timed(lambda: _by_hand(raw, plan.size(1_500, 150))),
                "one": lambda: _run(runner, append_in_turn, engine, plan.size(1_500, 150)),
                "many": lambda: _run(runner, append_at_once, engine, plan.size(12_800, 640)),
            },
            plan.rounds,
        )
        runner.run(engine.close())
        raw.close()
    against = f"apsw, one event for each transaction: {median(samples['raw'], _rate):,.0f}/s"
    for side, name, goal in (("one", "append, one caller", 0.5), ("many", f"append, {CALLERS} callers", 5.0)):
        yield Result(
            name=name,
            value=median(samples[side], _rate),
            unit="appends/s",
            better="higher",
            against=against,
            ratio=median_ratio(samples[side], samples["raw"], _rate),
            goal=goal,
        )


def _rate(sample: Sample) -> float:
    return sample.rate


_names = iter(range(2**62))


def _stream() -> StreamId:
    return StreamId("account", f"a{next(_names)}")


def _run(runner: asyncio.Runner, work: Callable[[Engine, int], Awaitable[int]], engine: Engine, number: int) -> Sample:
    async def run() -> int:
        return await work(engine, number)

    return timed(lambda: runner.run(run()))


def _by_hand(raw: RawStore, number: int) -> int:
    stream = raw.stream(str(_stream()))
    for _ in range(number):
        raw.append(stream, new_event())
    return number


async def append_in_turn(engine: Engine, number: int) -> int:
    """One caller on one new stream."""
    stream = _stream()
    for version in range(number):
        await engine.events.append(one_write(stream, version, new_event()))
    return number


async def append_at_once(engine: Engine, number: int) -> int:
    """64 callers, each on a new stream of its own."""
    done = await asyncio.gather(*(append_in_turn(engine, number // CALLERS) for _ in range(CALLERS)))
    return sum(done)

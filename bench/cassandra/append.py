"""Cassandra, append: one event for each append, encoded beforehand, the log being filled; and how long that takes."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from bench.append import CALLERS, append_at_once, append_in_turn
from bench.cassandra.raw import RawStore
from bench.cassandra.server import Server, opened
from bench.domain import new_event
from bench.peer import peer
from bench.plan import Plan
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from bench.store import one_write
from headwater.domain.stream import StreamId
from headwater.ports.engine import Engine

__all__ = ["measure"]

_names = iter(range(2**62))


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Against the same conditional batch alone, sent by hand through the same driver."""
    many, one = plan.size(6_400, 640), plan.size(200, 20)
    with asyncio.Runner() as runner, ExitStack() as stack:
        engine = runner.run(opened(server.store()))
        by_hand = server.store()
        raw = runner.run(RawStore.connected(by_hand))
        other = stack.enter_context(peer("cassandra_driver_append", by_hand, str(CALLERS)))
        sides: dict[str, Callable[[], Sample]] = {
            "raw": lambda: timed(lambda: runner.run(_at_once(raw, many))),
            "other": lambda: other.run(many),
            "many": lambda: timed(lambda: runner.run(append_at_once(engine, many))),
            "raw, one": lambda: timed(lambda: runner.run(raw.append_in_turn(one))),
            "one": lambda: timed(lambda: runner.run(append_in_turn(engine, one))),
        }
        samples = interleave(sides, plan.rounds)
        seconds = runner.run(_until_logged(engine, plan.size(500, 30)))
        runner.run(engine.close())
        runner.run(raw.close())
    for ours, theirs, name, goal in (
        ("many", "raw", f"Cassandra: append, {CALLERS} callers", 0.4),
        ("one", "raw, one", "Cassandra: append, one caller", None),
    ):
        yield Result(
            name=name,
            value=median(samples[ours], _rate),
            unit="appends/s",
            better="higher",
            against=f"acsylla, the conditional batch alone: {median(samples[theirs], _rate):,.0f}/s",
            ratio=median_ratio(samples[ours], samples[theirs], _rate),
            goal=goal,
        )
    yield Result(
        name=f"Cassandra: conditional batch alone, {CALLERS} callers",
        value=median(samples["raw"], _rate),
        unit="appends/s",
        better="higher",
        against=f"cassandra-driver {other.version}, the same: {median(samples['other'], _rate):,.0f}/s",
        ratio=median_ratio(samples["raw"], samples["other"], _rate),
    )
    for name, quantile in (("median", 50), ("99th percentile", 99)):
        yield Result(
            name=f"Cassandra: from append to log, {name}",
            value=1_000 * statistics.quantiles(seconds, n=100)[quantile - 1],
            unit="ms",
            better="lower",
            against="one caller, the append itself included",
        )


def _rate(sample: Sample) -> float:
    return sample.rate


async def _at_once(raw: RawStore, number: int) -> int:
    return sum(await asyncio.gather(*(raw.append_in_turn(number // CALLERS) for _ in range(CALLERS))))


async def _until_logged(engine: Engine, number: int) -> list[float]:
    """Seconds from the call of an append until its event has an offset."""
    found = list[float]()
    stream = StreamId("account", f"l{next(_names)}")
    for version in range(number):
        began = time.perf_counter()
        await engine.events.append(one_write(stream, version, new_event()))
        seen = engine.wakeups.seen()
        while await engine.log.offset_of(str(stream), version + 1) is None:
            seen = await engine.wakeups.wait(seen, 0.05)
        found.append(time.perf_counter() - began)
    return found

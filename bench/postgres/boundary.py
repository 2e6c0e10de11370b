"""PostgreSQL, boundary: read the events of a course by tag, append one on condition that there are no others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

from bench.append import CALLERS
from bench.domain import DATA
from bench.peer import peer
from bench.plan import Plan
from bench.postgres.server import Server, opened
from bench.result import Result
from bench.rounds import Sample, interleave, median, median_ratio, timed
from headwater.domain.append import Append, Write
from headwater.domain.boundary import AppendCondition, Boundary, Mark
from headwater.domain.event import NewEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion
from headwater.handling.ids import uuid7
from headwater.ports.boundaries import BoundaryAppends

__all__ = ["measure"]

THREADS = 8
DECISIONS = 10
"""For each course: it has no events before the first, nine before the last."""


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Against eventsourcing's recorder for dynamic consistency boundaries."""
    with asyncio.Runner() as runner, ExitStack() as stack:
        engine = runner.run(opened(server.store()))
        events = engine.events
        assert isinstance(events, BoundaryAppends)
        many, one = (
            stack.enter_context(
                peer("eventsourcing_postgres_boundary", server.database(), str(threads), str(DECISIONS))
            )
            for threads in (THREADS, 1)
        )
        samples = interleave(
            {
                "one": lambda: timed(lambda: runner.run(_decided(events, 1, plan.size(300, 30)))),
                "many": lambda: timed(lambda: runner.run(_decided(events, CALLERS, plan.size(6_400, 640)))),
                "theirs, one": lambda: one.run(plan.size(300, 30)),
                "theirs, many": lambda: many.run(plan.size(1_600, 160)),
            },
            plan.rounds,
        )
        runner.run(engine.close())
        version = many.version
    for ours, theirs, callers, threads in (("one", "theirs, one", 1, 1), ("many", "theirs, many", CALLERS, THREADS)):
        yield Result(
            name=f"PostgreSQL: read a boundary, append on condition, {callers} caller{'s' if callers > 1 else ''}",
            value=median(samples[ours], _rate),
            unit="decisions/s",
            better="higher",
            against=f"eventsourcing {version}, {threads} thread{'s' if threads > 1 else ''}: "
            f"{median(samples[theirs], _rate):,.0f}/s",
            ratio=median_ratio(samples[ours], samples[theirs], _rate),
        )


def _rate(sample: Sample) -> float:
    return sample.rate


_names = iter(range(2**62))


async def _decided(events: BoundaryAppends, callers: int, number: int) -> int:
    await asyncio.gather(*(_decide(events, number // callers) for _ in range(callers)))
    return number


async def _decide(events: BoundaryAppends, number: int) -> None:
    for count in range(number):
        if count % DECISIONS == 0:
            course = f"c{next(_names)}"
            boundary = Boundary(tags=[f"course:{course}"])
        page = await events.read_within(boundary, Mark(), 1_000)
        assert len(page.events) == count % DECISIONS
        subscribed = NewEvent(uuid7(), "Subscribed", 1, DATA, tags=(f"course:{course}", f"student:{count}"))
        write = Write(stream=StreamId("course", course), expected=AnyVersion(), events=(subscribed,))
        await events.append_within(Append(writes=(write,), conditions=(AppendCondition(boundary, page.mark),)))

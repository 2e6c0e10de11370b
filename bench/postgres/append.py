"""PostgreSQL, append: one event for each append, encoded beforehand; one caller, then 64 at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack

from bench.append import CALLERS, append_at_once, append_in_turn
from bench.command import NOT_RUN
from bench.domain import new_event
from bench.peer import peer, python_3_13
from bench.plan import Plan
from bench.postgres.raw import RawStore, RawStream
from bench.postgres.server import Server, opened
from bench.result import Result
from bench.rounds import Sample, Samples, interleave, median, median_ratio, timed
from headwater.domain.event import NewEvent
from headwater.ports.engine import Engine

__all__ = ["measure"]

CONNECTIONS = 8


def measure(plan: Plan, server: Server) -> Iterator[Result]:
    """Against asyncpg on one connection and on eight, and against two peers."""
    python = python_3_13()
    with asyncio.Runner() as runner, ExitStack() as stack:
        engine = runner.run(opened(server.store()))
        raw = runner.run(_Raw.connected(server))
        other = stack.enter_context(peer("eventsourcing_postgres_append", server.database(), str(CONNECTIONS)))
        one, many = plan.size(500, 50), plan.size(2_000, 160)
        sides: dict[str, Callable[[], Sample]] = {
            "raw": lambda: timed(lambda: runner.run(raw.in_turn(RawStore.append, one))),
            "raw, one statement": lambda: timed(lambda: runner.run(raw.in_turn(RawStore.append_at_once, one))),
            "raw, 8": lambda: timed(lambda: runner.run(raw.at_once(RawStore.append, many))),
            "raw, 8, one statement": lambda: timed(lambda: runner.run(raw.at_once(RawStore.append_at_once, many))),
            "one": lambda: _run(runner, append_in_turn, engine, one),
            "many": lambda: _run(runner, append_at_once, engine, plan.size(12_800, 640)),
            "eventsourcing": lambda: other.run(plan.size(1_600, 160)),
        }
        peers = {"eventsourcing": f"eventsourcing {other.version}, {CONNECTIONS} threads"}
        if python is not None:
            async_peer = stack.enter_context(
                peer("eventsource_py_postgres_append", server.database(), str(CONNECTIONS), python=python)
            )
            sides["eventsource-py"] = lambda: async_peer.run(plan.size(1_600, 160))
            peers["eventsource-py"] = f"eventsource-py {async_peer.version}, {CONNECTIONS} tasks"
        samples = interleave(sides, plan.rounds)
        runner.run(engine.close())
        runner.run(raw.close())
    yield from _results(samples, peers)


def _results(samples: dict[str, Samples], peers: dict[str, str]) -> Iterator[Result]:
    by_hand, eight = "asyncpg, one event for each transaction", f"{CONNECTIONS} connections"
    for theirs, against, goal in (
        ("raw", by_hand, 0.5),
        ("raw, one statement", f"{by_hand}, as one statement", None),
    ):
        yield _result("PostgreSQL: append, one caller", samples, "one", theirs, against, goal)
    for theirs, against, goal in (
        ("raw, 8", f"{by_hand}, {eight}", 4),
        ("raw, 8, one statement", f"{by_hand}, as one statement, {eight}", None),
        ("eventsourcing", peers["eventsourcing"], 10),
        ("eventsource-py", peers.get("eventsource-py", NOT_RUN), 10),
    ):
        yield _result(f"PostgreSQL: append, {CALLERS} callers", samples, "many", theirs, against, goal)


def _result(name: str, samples: dict[str, Samples], ours: str, theirs: str, against: str, goal: float | None) -> Result:
    found = samples.get(theirs)
    return Result(
        name=name,
        value=None if found is None else median(samples[ours], _rate),
        unit="appends/s",
        better="higher",
        against=against if found is None else f"{against}: {median(found, _rate):,.0f}/s",
        ratio=None if found is None else median_ratio(samples[ours], found, _rate),
        goal=goal,
    )


def _rate(sample: Sample) -> float:
    return sample.rate


def _run(runner: asyncio.Runner, work: Callable[[Engine, int], Awaitable[int]], engine: Engine, number: int) -> Sample:
    async def run() -> int:
        return await work(engine, number)

    return timed(lambda: runner.run(run()))


_names = iter(range(2**62))
_Append = Callable[[RawStore, RawStream, NewEvent], Awaitable[int]]


class _Raw:
    """Connections on a store of their own."""

    def __init__(self, stores: Sequence[RawStore]) -> None:
        self._stores = stores

    @classmethod
    async def connected(cls, server: Server) -> _Raw:
        schema = server.schema()
        await (await opened(f"{server.url}&schema={schema}")).close()
        return cls([await RawStore.connected(server.url, schema) for _ in range(CONNECTIONS)])

    async def close(self) -> None:
        for store in self._stores:
            await store.close()

    async def in_turn(self, append: _Append, number: int) -> int:
        """One connection on one new stream."""
        return await _append_in_turn(self._stores[0], append, number)

    async def at_once(self, append: _Append, number: int) -> int:
        """Each connection on new streams of its own, which lie in all partitions."""
        share = number // CONNECTIONS
        return sum(await asyncio.gather(*(_append_in_turn(store, append, share, 20) for store in self._stores)))


async def _append_in_turn(store: RawStore, append: _Append, number: int, each: int = 2**62) -> int:
    for count in range(number):
        if count % each == 0:
            stream = await store.stream(f"account-a{next(_names)}")
        await append(store, stream, new_event())
    return number

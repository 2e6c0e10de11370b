"""visible: from when a command is due until its effect can be read, at 500 commands offered a second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TypeAlias

from bench.domain import Accounts, AccountView, Credit, credit, new_event
from bench.pace import RATE, paced, percentiles
from bench.peer import peer
from bench.plan import Plan
from bench.result import Result
from bench.rounds import interleave, median, median_ratio
from bench.store import a_path, one_write, opened, url
from headwater import CQRSManager
from headwater.domain.stream import StreamId
from headwater.models.changes import Accumulate
from headwater.ports.engine import Engine
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit

__all__ = ["measure"]

Latencies: TypeAlias = tuple[float, float]
"""Seconds: the 50th and the 99th percentile."""

STREAMS = 100
"""Accounts of a round take turns: two commands of one are never on their way at once."""


def measure(plan: Plan) -> Iterator[Result]:
    """Against an append, a commit of one change and a wake-up, and against eventsourcing's runner."""
    number = plan.size(1_000, 100)
    with (
        a_path() as path,
        a_path() as other_path,
        asyncio.Runner() as runner,
        peer("eventsourcing_visible") as other,
    ):
        cqrs = CQRSManager(url(path), handlers=[credit], projections=[Accounts()])
        runner.run(cqrs.initialize())
        engine = runner.run(opened(other_path))
        by_hand = runner.run(_ByHand.made(engine))
        samples = interleave(
            {
                "raw": lambda: runner.run(by_hand.run(number)),
                "ours": lambda: runner.run(_execute(cqrs, number)),
                "eventsourcing": lambda: other.ask(number, tuple[float, float]),
            },
            plan.rounds,
        )
        runner.run(cqrs.close())
        runner.run(engine.close())
        version = other.version
    for figure, percentile in ((_p50, "median"), (_p99, "99th percentile")):
        for side, name, goal in (
            ("raw", "append, commit of one change, wake-up on the engine", None),
            ("eventsourcing", f"eventsourcing {version}, events in memory, its wait polls every 0.1 s", 1),
        ):
            yield Result(
                name=f"command visible at {RATE} commands/s, {percentile}",
                value=median(samples["ours"], figure),
                unit="ms",
                better="lower",
                against=f"{name}: {median(samples[side], figure):,.3g} ms",
                ratio=median_ratio(samples["ours"], samples[side], figure),
                goal=goal,
            )


def _p50(latencies: Latencies) -> float:
    return 1e3 * latencies[0]


def _p99(latencies: Latencies) -> float:
    return 1e3 * latencies[1]


_rounds = iter(range(2**62))


async def _execute(cqrs: CQRSManager, number: int) -> Latencies:
    name = f"r{next(_rounds)}"

    async def act(count: int) -> None:
        command = Credit(account=f"{name}a{count % STREAMS}", amount=10)
        await cqrs.commands.execute(command, wait_for=[Accounts])

    return percentiles(await paced(number, act))


class _ByHand:
    """The least that makes an event visible: it is appended, its change committed by another task, who waits woken."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._offset = 0
        self._appended: asyncio.Queue[tuple[StreamId, asyncio.Future[None]]] = asyncio.Queue()

    @classmethod
    async def made(cls, engine: Engine) -> _ByHand:
        await engine.read_model_schema.ensure([AccountView])
        return cls(engine)

    async def run(self, number: int) -> Latencies:
        name = f"r{next(_rounds)}"

        async def act(count: int) -> None:
            stream = StreamId("account", f"{name}a{count % STREAMS}")
            await self._engine.events.append(one_write(stream, count // STREAMS, new_event()))
            visible = asyncio.get_running_loop().create_future()
            self._appended.put_nowait((stream, visible))
            await visible

        projecting = asyncio.create_task(self._project())
        latencies = percentiles(await paced(number, act))
        projecting.cancel()
        return latencies

    async def _project(self) -> None:
        while True:
            stream, visible = await self._appended.get()
            await self._commit(str(stream))
            visible.set_result(None)

    async def _commit(self, account: str) -> None:
        change = Accumulate(AccountView, account, AccountView(account=account), add={"balance": 10, "credits": 1})
        start, self._offset = self._offset, self._offset + 1
        place = Place("by_hand")
        commit = ProjectionCommit(place=place, epoch=1, start=start, next=self._offset, changes=[change])
        await self._engine.projections.commit(commit)

"""command: load, decide, append with the command's record, receipt; 64 callers, each on accounts of its own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from uuid import UUID

import msgspec

from bench.append import CALLERS
from bench.domain import Credit, Credited, credit
from bench.peer import peer, python_3_13
from bench.plan import Plan
from bench.result import Result
from bench.rounds import Sample, Samples, interleave, median, median_ratio, timed
from bench.store import a_path, opened, url
from headwater import CQRSManager
from headwater.domain.append import Append, CommandRecord, Write
from headwater.domain.event import NewEvent
from headwater.domain.metadata import Context
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact
from headwater.handling.ids import uuid7
from headwater.ports.engine import Engine

__all__ = ["NOT_RUN", "ByHand", "at_once", "execute", "measure"]

COMMANDS = 10
"""For each account: it has no events before the first, nine before the last."""
NOT_RUN = "eventsource-py not run: needs Python 3.13 (`make bench` finds it on PATH or among pyenv's versions)"

_decode = msgspec.json.Decoder(Credited).decode
_encode = msgspec.json.Encoder().encode


def measure(plan: Plan) -> Iterator[Result]:
    """Against the same work hand-written on the engine, and load and save with eventsource-py."""
    number = plan.size(6_400, 640)
    python = python_3_13()
    with a_path() as ours, a_path() as theirs, asyncio.Runner() as runner, ExitStack() as stack:
        cqrs = CQRSManager(url(ours), handlers=[credit])
        runner.run(cqrs.initialize())
        engine = runner.run(opened(theirs))
        by_hand = ByHand(engine)
        sides = {
            "by hand": lambda: timed(lambda: runner.run(at_once(by_hand.credit, number))),
            "ours": lambda: timed(lambda: runner.run(at_once(lambda account: execute(cqrs, account), number))),
        }
        if python is not None:
            other = stack.enter_context(peer("eventsource_py_command", str(CALLERS), str(COMMANDS), python=python))
            sides["eventsource-py"] = lambda: other.run(plan.size(1_280, 640))
        samples = interleave(sides, plan.rounds)
        against = NOT_RUN if python is None else f"eventsource-py {other.version}, load and save"
        runner.run(cqrs.close())
        runner.run(engine.close())
    yield _result(samples["ours"], samples["by hand"], 0.6, "the same by hand on the engine")
    yield _result(samples["ours"], samples.get("eventsource-py"), 3, against)


def _result(ours: Samples, theirs: Samples | None, goal: float, against: str) -> Result:
    return Result(
        name=f"whole command, {CALLERS} callers",
        value=None if theirs is None else median(ours, _rate),
        unit="commands/s",
        better="higher",
        against=against if theirs is None else f"{against}: {median(theirs, _rate):,.0f}/s",
        ratio=None if theirs is None else median_ratio(ours, theirs, _rate),
        goal=goal,
    )


def _rate(sample: Sample) -> float:
    return sample.rate


_names = iter(range(2**62))


async def at_once(credit: Callable[[str], Awaitable[object]], number: int) -> int:
    async def call() -> None:
        for count in range(number // CALLERS):
            if count % COMMANDS == 0:
                account = f"a{next(_names)}"
            await credit(account)

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    return number


async def execute(cqrs: CQRSManager, account: str) -> None:
    receipt = await cqrs.commands.execute(Credit(account=account, amount=10))
    assert receipt.result % 10 == 0


class ByHand:
    """The same command without bus, repository and aggregate."""

    def __init__(self, engine: Engine) -> None:
        self._events = engine.events

    async def credit(self, account: str) -> tuple[int, str, int]:
        """The result, and stream and version as a receipt would name them."""
        command = Credit(account=account, amount=10)
        stream = StreamId("account", account)
        found = await self._events.fold_rows(stream)
        balance = 0
        for _, _, data in found.rows:
            balance += _decode(data).amount
        if command.amount <= 0:
            raise ValueError("a credit is positive")
        credited = Credited(amount=command.amount)
        balance += credited.amount
        id = str(UUID(bytes=uuid7()))
        digest = hashlib.blake2b(_encode(command), digest_size=16, key=b"Credit").digest()
        appended = await self._events.append(
            Append(
                writes=(
                    Write(
                        stream=stream,
                        expected=Exact(found.version),
                        events=(NewEvent(uuid7(), "Credited", 1, _encode(credited)),),
                    ),
                ),
                context=_encode(Context(command_id=id, correlation_id=id)),
                command=CommandRecord(id=id, name="Credit", fingerprint=digest, result=_encode(balance)),
            )
        )
        return balance, appended.writes[0].stream, appended.writes[0].last

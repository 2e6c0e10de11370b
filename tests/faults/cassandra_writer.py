"""cassandra_writer: a process that appends to a store on Cassandra until it is killed, and has its log grow.

It first repeats what it is given on its input. It tells every call and outcome on its output.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Iterator

import msgspec

from headwater.domain.version import AnyVersion, Exact, ExpectedVersion
from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.protocol.core import Core
from headwater.engines.cassandra.protocol.replies import FAILED, Unknown
from headwater.engines.cassandra.tables.intent_table import IntentTable
from headwater.errors import AppendOutcomeUnknown, StoreError, UniqueKeyTaken, WrongExpectedVersion
from headwater.ports.engine import Engine, EngineOptions
from tests.faults.cassandra_operation import operation_of, shrink_stores
from tests.faults.history import Ack, Refusal
from tests.faults.watching import Logged, Noted, watch
from tests.faults.writer import Repeated, Started

__all__ = ["Asked", "Called", "Told"]

CALLERS = 24
PATIENCE = 0.05
"""Seconds until the next append, where one was not taken up."""


class Called(msgspec.Struct, frozen=True, array_like=True, tag="called"):
    """An append is sent."""

    id: str
    at: float


Told = Ack | Refusal | Repeated | Started | Called | Noted | Logged


class Asked(msgspec.Struct, frozen=True):
    """What a process is started with."""

    url: str
    generation: int
    plant: str = ""
    """A bug, for a control."""
    acknowledged: list[str] = []
    """Ids of appends that get their first outcome."""
    unknown: list[str] = []
    """Ids of appends that nobody was told of: called by a process that was killed."""


def tell(line: Told) -> None:
    """One write, which a kill cannot tear."""
    os.write(sys.stdout.fileno(), msgspec.json.encode(line) + b"\n")


class Caller:
    """Appends, each asked for again by its id as long as its outcome is not known."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._chance = random.Random(seed)
        self._heads: dict[str, int] = {}

    async def run(self, ids: Iterator[str]) -> None:
        for id in ids:
            await self.append(id)

    async def append(self, id: str) -> None:
        what, called = operation_of(id), time.monotonic()
        stream = str(what.stream)
        head = self._heads.get(stream, 0)
        expected: ExpectedVersion = Exact(head) if self._chance.random() < 0.3 else AnyVersion()
        tell(Called(id, called))
        try:
            appended = await self._engine.events.append(what.append(expected))
        except WrongExpectedVersion as error:
            self._heads[stream] = error.actual
            tell(Refusal(id, stream, head, called, time.monotonic()))
        except UniqueKeyTaken:
            tell(Refusal(id, stream, None, called, time.monotonic()))
        except StoreError:
            tell(Refusal(id, stream, None, called, time.monotonic()))
            await asyncio.sleep(PATIENCE)
        except AppendOutcomeUnknown:
            await self.resolve(id)
        else:
            [write] = appended.writes
            self._heads[stream] = max(write.last, self._heads.get(stream, 0))
            tell(Ack(id, stream, write.first, write.last, called, time.monotonic()))

    async def resolve(self, id: str) -> None:
        """Ask until it is there. Where it is refused it may still come of the first try: so that is no outcome."""
        called = time.monotonic()
        while True:
            try:
                appended = await self._engine.events.append(operation_of(id).append(AnyVersion()))
            except (AppendOutcomeUnknown, StoreError):
                await asyncio.sleep(PATIENCE)
            except UniqueKeyTaken:
                tell(Noted("repeated, and refused for its key"))
                return
            else:
                [write] = appended.writes
                tell(Noted(f"repeated, {'and there before' if appended.replayed else 'and committed only now'}"))
                tell(Ack(id, write.stream, write.first, write.last, called, time.monotonic()))
                return

    async def repeat(self, id: str) -> None:
        """What was acknowledged gets its first outcome."""
        while True:
            try:
                appended = await self._engine.events.append(operation_of(id).append(AnyVersion()))
            except (AppendOutcomeUnknown, StoreError):
                await asyncio.sleep(PATIENCE)
            else:
                [write] = appended.writes
                tell(Repeated(id, write.stream, write.first, write.last, appended.replayed is not None))
                return


async def main(asked: Asked) -> None:
    if asked.plant:
        PLANTS[asked.plant]()
    watch(tell, asked.generation)
    shrink_stores()
    engine = open_engine(asked.url, EngineOptions())
    while True:
        try:
            await engine.open()
            break
        except StoreError:
            await asyncio.sleep(PATIENCE)
    tell(Started())
    caller = Caller(engine, asked.generation)
    ids = (f"g{asked.generation}.{number}" for number in range(10**9))
    await asyncio.gather(
        *(caller.repeat(id) for id in asked.acknowledged),
        *(caller.resolve(id) for id in asked.unknown),
        *(caller.run(ids) for _ in range(CALLERS)),
    )


# -- bugs to be caught ---------------------------------------------------------


def trust_replies() -> None:
    """A conditional write whose answer does not come is taken for one that was not made."""
    run = Performer.run

    async def trusting(self: Performer, core: Core[object]) -> object:
        return await run(self, _without_unknown(core))

    Performer.run = trusting  # type: ignore[method-assign, assignment]


def _without_unknown(core: Core[object]) -> Core[object]:
    try:
        wanted = next(core)
        while True:
            try:
                reply = yield wanted
            except StoreError as error:
                wanted = core.throw(error)
            else:
                wanted = core.send(FAILED if isinstance(reply, Unknown) else reply)
    except StopIteration as end:
        return end.value


def skip_intents() -> None:
    """Nobody is told of an append before it is tried, but for the sequencer of the same process."""

    async def nothing(*_: object) -> bool:
        return True

    IntentTable.insert_intent = nothing  # type: ignore[method-assign, assignment]


PLANTS: dict[str, Callable[[], None]] = {"trust replies": trust_replies, "skip intents": skip_intents}


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)))

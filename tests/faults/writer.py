"""writer: a process that appends through the engine until it is killed, and tells every outcome on its output.

It first repeats the operations it is given on its input: those were acknowledged, and get their first outcome.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator

import msgspec

from headwater.domain.version import AnyVersion
from headwater.engines.sqlite import open_engine
from headwater.ports.engine import Engine, EngineOptions
from tests.faults.appending import Appending
from tests.faults.history import Ack, Refusal
from tests.faults.operation import Operation, operation

__all__ = ["STREAMS", "Repeated", "Started"]

STREAMS = 6
CALLERS = 24

_encode = msgspec.json.Encoder().encode


class Started(msgspec.Struct, frozen=True, array_like=True, tag="started"):
    """The store is open."""


class Repeated(msgspec.Struct, frozen=True, array_like=True, tag="repeated"):
    """What came of an operation that had been acknowledged before."""

    id: str
    stream: str
    first: int
    last: int
    replayed: bool


def tell(line: Ack | Refusal | Repeated | Started) -> None:
    """One write, which a kill cannot tear."""
    os.write(sys.stdout.fileno(), _encode(line) + b"\n")


async def main(url: str, generation: str, early: bool) -> None:
    engine = open_engine(url, EngineOptions())
    await engine.open()
    tell(Started())
    for id in sys.stdin.read().split():
        await repeat(engine, id)
    appending = Appending(engine, tell, hash(generation), early)
    operations = operations_of(generation)
    await asyncio.gather(*(appending.run(operations) for _ in range(CALLERS)))


async def repeat(engine: Engine, id: str) -> None:
    again = operation(id, STREAMS)
    appended = await engine.events.append(again.append(AnyVersion()))
    written = appended.writes[0]
    tell(Repeated(id, written.stream, written.first, written.last, appended.replayed is not None))


def operations_of(generation: str) -> Iterator[Operation]:
    """Without end."""
    number = 0
    while True:
        number += 1
        yield operation(f"{generation}.{number}", STREAMS)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], early=sys.argv[3:] == ["early"]))

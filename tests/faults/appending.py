"""Appending: callers that write operations to hot streams and say what they were told."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from headwater.domain.append import Appended
from headwater.domain.version import AnyVersion, Exact
from headwater.errors import StoreBusy, UniqueKeyTaken, WrongExpectedVersion
from headwater.ports.engine import Engine
from tests.faults.history import Ack, Refusal
from tests.faults.operation import Operation

__all__ = ["Appending", "Tell"]

Tell = Callable[[Ack | Refusal], None]


class Appending:
    """Half of the appends expect the version this process saw last, half any version."""

    def __init__(self, engine: Engine, tell: Tell, seed: int, early: bool = False) -> None:
        """`early` acknowledges before the store did: for a control."""
        self._engine = engine
        self._tell = tell
        self._chance = random.Random(seed)
        self._early = early
        self._heads: dict[str, int] = {}

    async def run(self, operations: Iterator[Operation]) -> None:
        """One caller: one operation after the other."""
        for operation in operations:
            await self.append(operation)

    async def append(self, operation: Operation) -> None:
        """Append one operation and tell the outcome. A store too busy committed nothing and is asked no more."""
        stream, called = str(operation.stream), time.monotonic()
        head = self._heads.get(stream)
        exact = head is not None and self._chance.random() < 0.5
        expected = Exact(head) if head is not None and exact else AnyVersion()
        if self._early:
            self._tell(Ack(operation.id, stream, 0, 0, called, called))
        try:
            appended = await self._engine.events.append(operation.append(expected))
        except WrongExpectedVersion as error:
            self._heads[stream] = error.actual
            self._tell(Refusal(operation.id, stream, head, called, time.monotonic()))
        except (UniqueKeyTaken, StoreBusy):
            self._tell(Refusal(operation.id, stream, None, called, time.monotonic()))
        else:
            self._acknowledge(operation, appended, called)

    def _acknowledge(self, operation: Operation, appended: Appended, called: float) -> None:
        written = appended.writes[0]
        self._heads[written.stream] = max(written.last, self._heads.get(written.stream, 0))
        if not self._early:
            self._tell(Ack(operation.id, written.stream, written.first, written.last, called, time.monotonic()))

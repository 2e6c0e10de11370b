"""watching: what the cores of the protocol on Cassandra come to in this process, seen from beside them.

A core is a generator that asks and is told, so whoever stands between it and the cluster hears every answer.
"""

from __future__ import annotations

import struct
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID, uuid4

import msgspec

from headwater.engines.cassandra.appending import appender
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.protocol.core import Asked, Core
from headwater.engines.cassandra.protocol.outcomes import CertainFailure, Committed, Conflict, OutcomeUnknown
from headwater.engines.cassandra.protocol.replies import Applied, NotApplied, Unknown
from headwater.engines.cassandra.protocol.request import Request
from headwater.engines.cassandra.protocol.requests import AppendEvents, AppendLog, FenceChunk, ReadRowSerially
from headwater.errors import StoreUnavailable

__all__ = ["Logged", "Noted", "watch"]

T = TypeVar("T")


class Noted(msgspec.Struct, frozen=True, array_like=True, tag="noted"):
    """Something that the protocol had to do."""

    what: str


class Logged(msgspec.Struct, frozen=True, array_like=True, tag="logged"):
    """Events that this process has brought into the log, by the generation of who appended them."""

    generations: dict[int, int]
    at: float


_Tell = Callable[[Noted | Logged], None]
_OUTCOMES = {
    Committed: "unknown append, found committed",
    Conflict: "unknown append, found refused",
    CertainFailure: "unknown append, found or made impossible",
    OutcomeUnknown: "unknown append, told as unknown",
}


def watch(tell: _Tell, generation: int) -> None:
    """From now on, everything that this process does. Its attempts carry its number, so that others know them."""
    run = Performer.run

    async def watched(self: Performer, core: Core[T]) -> T:
        return await run(self, _between(core, _Watcher(tell, is_round=getattr(core, "__name__", "") == "work_round")))

    Performer.run = watched  # type: ignore[method-assign]
    appender.uuid4 = lambda: UUID(bytes=struct.pack(">I", generation) + uuid4().bytes[4:])  # type: ignore[attr-defined]


class _Watcher:
    """Of one core."""

    def __init__(self, tell: _Tell, is_round: bool) -> None:
        self._tell = tell
        self._is_round = is_round
        self._unknown = False

    def saw(self, request: Request[object], reply: object) -> None:
        if isinstance(request, AppendEvents) and isinstance(reply, Unknown):
            self._unknown = True
        elif isinstance(request, AppendLog) and isinstance(reply, Applied):
            generations = Counter(struct.unpack_from(">I", row.row.attempt)[0] for row in request.rows)
            self._tell(Logged(dict(generations), time.monotonic()))
        elif isinstance(request, AppendLog):
            self._tell(Noted(f"log batch {'unknown' if isinstance(reply, Unknown) else 'refused'}, taken over anew"))
        elif self._is_round and isinstance(request, FenceChunk):
            self._tell(Noted(f"pending append fenced: {_ANSWERS.get(type(reply), 'no answer')}"))
        elif self._is_round and isinstance(request, ReadRowSerially):
            self._tell(Noted("half-done append completed by a serial read"))

    def ended(self, outcome: object) -> None:
        if self._unknown:
            self._tell(Noted(_OUTCOMES[type(outcome)]))  # type: ignore[index]  # of the core that appends


_ANSWERS: dict[type, str] = {Applied: "it can never be", NotApplied: "it had come, or been fenced"}


def _between(core: Core[T], watcher: _Watcher) -> Core[T]:
    try:
        wanted = next(core)
        while True:
            try:
                reply = yield wanted
            except StoreUnavailable as error:
                wanted = core.throw(error)
            else:
                for request, answer in _pairs(wanted, reply):
                    watcher.saw(request, answer)
                wanted = core.send(reply)
    except StopIteration as end:
        watcher.ended(end.value)
        return end.value  # type: ignore[no-any-return]


def _pairs(wanted: Asked, reply: object) -> Sequence[tuple[Request[object], object]]:
    if isinstance(wanted, Request):
        return [(wanted, reply)]
    return list(zip(wanted, reply, strict=True))  # type: ignore[call-overload]  # as many as were asked

"""Process: a core that runs somewhere, one request at a time reaching the store."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from headwater.engines.cassandra.protocol.core import Asked
from headwater.engines.cassandra.protocol.request import Request
from headwater.errors import StoreUnavailable
from tests.cassandra.simulator.chance import Chance

__all__ = ["Process"]


class Process:
    """Pauses between any two requests, for as long as the schedule likes: what it holds then was computed from old
    reads."""

    __slots__ = ("_core", "_many", "_replies", "kind", "over", "todo", "unanswered")

    def __init__(self, core: Generator[Asked, object, None], kind: str) -> None:
        self._core = core
        self._many = False
        self._replies: list[object] = []
        self.kind = kind
        self.over = False
        self.todo: list[tuple[int, Request[object]]] = []
        """What was asked and not been done yet, with the place of its reply."""
        self.unanswered = False
        try:
            self._take(next(core))
        except StopIteration:
            self.over = True

    def _take(self, asked: Asked) -> None:
        if isinstance(asked, Sequence):
            self._many = True
            self.todo = list(enumerate(asked))
            self._replies = [None] * len(self.todo)
        else:
            self._many = False
            self.todo = [(0, asked)]
            self._replies = [None]

    def next(self, chance: Chance) -> tuple[int, Request[object]]:
        """One of the requests that may be done now."""
        return self.todo.pop(chance.pick(len(self.todo)) if len(self.todo) > 1 else 0)

    def reply(self, place: int, reply: object) -> None:
        """Goes on once the last of its requests has its reply."""
        self._replies[place] = reply
        if self.todo:
            return
        try:
            if self.unanswered:
                self.unanswered = False
                self._take(self._core.throw(StoreUnavailable("no replica answered")))
            else:
                self._take(self._core.send(self._replies if self._many else self._replies[0]))
        except StopIteration:
            self.over = True

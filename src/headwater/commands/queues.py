"""Queues: commands of one process that contend for a stream, or within a boundary, go one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from headwater.commands.context import CommandContext
from headwater.errors import BoundaryChanged, WrongExpectedVersion

__all__ = ["StreamQueues"]

_PATIENCE: Final = 5.0
"""Seconds in a queue before a command goes on without its turn: whoever holds it may be waiting for this command."""


class StreamQueues:
    """One lock for each stream, and each set of tags, that commands contend for, gone when the last of them is.

    An economy, not a law: the store decides who commits, and a command without its turn may only lose once more.
    A command executed by the handler of one that has its turn goes with it: it never waits for another's.
    """

    def __init__(self) -> None:
        self.waiting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By stream or tags; empty while nobody contends."""

    def met_by(self, context: CommandContext) -> str | None:
        """What has a queue that this command has read and is about to write, or to append within."""
        staged = context.staged
        if context.has_turn or staged is None:
            return None
        streams = (str(write.stream) for write in staged.writes)
        met = next((stream for stream in streams if stream in self.waiting and context.has_loaded(stream)), None)
        tags = (_name(alternative.tags) for boundary in staged.conditions for alternative in boundary)
        return met or next((name for name in tags if name in self.waiting), None)

    def contended(self, conflict: WrongExpectedVersion | BoundaryChanged, context: CommandContext) -> str | None:
        """Which queue is that of a conflict; None if the handler did not look: it would only decide the same again."""
        if isinstance(conflict, BoundaryChanged):
            return _name(conflict.tags)
        return conflict.stream if context.has_loaded(conflict.stream) else None

    @asynccontextmanager
    async def turn(self, stream: str, context: CommandContext) -> AsyncGenerator[None, None]:
        """Wait for the others that contend for a stream."""
        if context.has_turn:
            yield
            return
        lock = self.waiting.setdefault(stream, asyncio.Lock())
        try:
            async with asyncio.timeout(_PATIENCE):
                await lock.acquire()
        except TimeoutError:
            yield
            return
        context.has_turn = True
        try:
            yield
        finally:
            context.has_turn = False
            lock.release()


def _name(tags: tuple[str, ...]) -> str:
    """No stream is called so: in a stream's name a hyphen comes before any colon."""
    return " ".join(tags)

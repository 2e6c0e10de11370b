"""Queues: commands of one process that contend for a stream go one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from headwater.commands.context import CommandContext

__all__ = ["StreamQueues"]

_PATIENCE: Final = 5.0
"""Seconds in a queue before a command goes on without its turn: whoever holds it may be waiting for this command."""


class StreamQueues:
    """One lock for each stream that commands contend for, gone when the last of them is.

    An economy, not a law: the store decides who commits, and a command without its turn may only lose once more.
    A command executed by the handler of one that has its turn goes with it: it never waits for another's.
    """

    def __init__(self) -> None:
        self.waiting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By stream; empty while nobody contends."""

    def met_by(self, context: CommandContext) -> str | None:
        """The stream with a queue that this command has read and is about to write."""
        if context.has_turn or context.staged is None:
            return None
        streams = (str(write.stream) for write in context.staged.writes)
        return next((stream for stream in streams if stream in self.waiting and context.has_loaded(stream)), None)

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

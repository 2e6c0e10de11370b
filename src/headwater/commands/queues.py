"""Queues: commands of one process that contend for a stream, or within a boundary, go one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from headwater.commands.context import CommandContext
from headwater.errors import BoundaryChanged, StoreBusy, WrongExpectedVersion

__all__ = ["StreamQueues"]

_PATIENCE: Final = 30.0
"""Seconds that one turn may last before those behind it are told so: it may be waiting for one of them."""


class StreamQueues:
    """One queue for each stream, and each set of tags, that commands contend for, gone when the last of them is.

    An economy, not a law: the store decides who commits. A queue lasts as long as it goes on, however long it is:
    whoever went on without a turn would lose against those before it, or they against it. A command executed by the
    handler of one that has its turn goes with it: it never waits for another's.
    """

    def __init__(self) -> None:
        self.waiting: WeakValueDictionary[str, _Queue] = WeakValueDictionary()
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
        """Wait for the others that contend for a stream: as long as `execute(timeout=)` allows.

        Without a timeout raises StoreBusy where one of them has had its turn for too long. A handler that waits, other
        than by the bus, for a command behind it would never end.
        """
        if context.has_turn:
            yield
            return
        queue = self.waiting.setdefault(stream, _Queue())
        try:
            await queue.enter(for_ever=context.timed)
        except TimeoutError:
            raise StoreBusy(_standing(stream)) from None
        context.has_turn = True
        try:
            yield
        finally:
            context.has_turn = False
            queue.leave()


class _Queue:
    """The turn of one at a time, in order of arrival; those who wait give up where a turn lasts too long."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting: set[asyncio.Timeout] = set()
        self._watch: asyncio.TimerHandle | None = None

    async def enter(self, *, for_ever: bool) -> None:
        """Wait for the turn; TimeoutError where somebody has it for too long, unless this one waits `for_ever`."""
        limit = asyncio.timeout(None)
        async with limit:
            if not for_ever:
                self._waiting.add(limit)
            try:
                await self._turn.acquire()
            finally:
                self._waiting.discard(limit)
        self._watch_turn()

    def leave(self) -> None:
        """Let the next one have the turn."""
        if self._watch is not None:
            self._watch.cancel()
        self._turn.release()

    def _watch_turn(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(_PATIENCE, self._give_up)

    def _give_up(self) -> None:
        now = asyncio.get_running_loop().time()
        for limit in self._waiting:
            limit.reschedule(now)
        self._watch_turn()  # for those who come later


def _standing(name: str) -> str:
    return (
        f"a command has had its turn at {name!r} for {_PATIENCE:g} s and others wait behind it, nothing of this one is "
        "committed: see that no handler is so slow, or waits for another command of the same stream or tags, other "
        "than by `await bus.execute(...)`; or let commands wait for as long as you choose, by execute(timeout=)"
    )


def _name(tags: tuple[str, ...]) -> str:
    """No stream is called so: in a stream's name a hyphen comes before any colon."""
    return " ".join(tags)

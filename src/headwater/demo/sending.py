"""Sending: every line through the command bus, lanes concurrently, the lines of one lane in order."""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import msgspec

from headwater import AppendOutcomeUnknown, CommandBus, DomainError, WrongExpectedVersion
from headwater.demo.numbered import NumberedCommand, NumberedCommands
from headwater.demo.stored_lines import StoredLines
from headwater.errors import StoreBusy, StoreUnavailable

__all__ = ["Sender", "Sent", "Share"]

READ_AHEAD: Final = 20_000
"""Lines in memory: enough that a long lane keeps only its own worker busy."""
_CHUNK: Final = 1_000
_TELL_EVERY: Final = 256
_TRIES: Final = 10


class Share(msgspec.Struct, frozen=True):
    """Which lanes a process sends: those whose hash falls on its index."""

    index: int = 0
    of: int = 1

    def has(self, command: NumberedCommand) -> bool:
        return self.of == 1 or zlib.crc32(command.lane.encode()) % self.of == self.index


class Sent(msgspec.Struct, kw_only=True):
    """What became of the lines."""

    sent: int = 0
    """Executed now."""
    known: int = 0
    """Not sent: an earlier run committed them."""
    refused: int = 0
    refusals: list[str] = []
    """The first few reasons."""


class Sender:
    """Workers that each take one lane at a time: an invoice, an incident, whose lines wait there in order.

    A line is sent with a command id made of the file's hash and its place, so sending it again is harmless: what is
    unknown after a lost answer is asked for again, and what is busy, out of reach for a while, or taken by another
    process, is tried again.
    """

    def __init__(
        self, bus: CommandBus, source: NumberedCommands, stored: StoredLines, share: Share, tell: Callable[[int], None]
    ) -> None:
        self._execute = bus.execute
        self._source = source
        self._stored = stored
        self._share = share
        self._tell = tell
        self._lanes: dict[str, deque[NumberedCommand]] = {}
        self._ready: asyncio.Queue[str | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._waiting = 0
        self._result = Sent()

    async def run(self, workers: int) -> Sent:
        """Send the share's lines; raises what the source or the store raised first."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work())
                await self._read()
                for _ in range(workers):
                    self._ready.put_nowait(None)
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return self._result

    async def _read(self) -> None:
        reading = self._source.commands()
        commands = await asyncio.to_thread(reading.__enter__)
        try:
            while chunk := await asyncio.to_thread(_some, commands):
                for command in chunk:
                    self._take(command)
                await self._until_room()
        finally:
            await asyncio.to_thread(reading.__exit__, None, None, None)

    def _take(self, command: NumberedCommand) -> None:
        if not self._share.has(command):
            return
        if command.line in self._stored:
            self._result.known += 1
            return
        self._waiting += 1
        lane = self._lanes.get(command.lane)
        if lane is not None:
            lane.append(command)
        else:
            self._lanes[command.lane] = deque((command,))
            self._ready.put_nowait(command.lane)

    async def _until_room(self) -> None:
        while self._waiting > READ_AHEAD:
            self._room.clear()
            await self._room.wait()

    async def _work(self) -> None:
        while (name := await self._ready.get()) is not None:
            lane = self._lanes[name]
            while lane:
                await self._send(lane.popleft())
            del self._lanes[name]

    async def _send(self, command: NumberedCommand) -> None:
        try:
            await self._surely(command, self._source.command_id(command.line))
            self._result.sent += 1
        except DomainError as error:
            self._result.refused += 1
            if len(self._result.refusals) < 10:
                self._result.refusals.append(str(error))
        self._waiting -= 1
        if self._waiting <= READ_AHEAD:
            self._room.set()
        done = self._result.sent + self._result.refused + self._result.known
        if done % _TELL_EVERY == 0:
            self._tell(done)

    async def _surely(self, command: NumberedCommand, command_id: str) -> None:
        for patience in range(_TRIES):
            try:
                await self._execute(command, command_id=command_id)
                return
            except (StoreBusy, StoreUnavailable, AppendOutcomeUnknown, WrongExpectedVersion):
                if patience == _TRIES - 1:
                    raise
                await asyncio.sleep(0.01 * 2**patience)


def _some(commands: Iterator[NumberedCommand]) -> list[NumberedCommand]:
    return list(islice(commands, _CHUNK))

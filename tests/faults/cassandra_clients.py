"""cassandra_clients: writing processes on a store on Cassandra, killed and started anew, and all that they say."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from zlib import crc32

import msgspec

from tests.faults.cassandra_writer import Asked, Called, Told
from tests.faults.folder import ROOT
from tests.faults.history import Ack, Findings, History, Refusal
from tests.faults.watching import Logged, Noted
from tests.faults.writer import Repeated, Started

__all__ = ["Clients"]

PATIENCE = 90
"""Seconds in which a process has opened the store, or an append is acknowledged, once all is well."""
REPEATED = 5
"""Acknowledged appends of each process that the next one repeats."""

RESOLVED = {
    "unknown append, found committed",
    "unknown append, found refused",
    "unknown append, found or made impossible",
    "repeated, and there before",
    "repeated, and committed only now",
}

_decode = msgspec.json.Decoder(Told).decode
_encode = msgspec.json.Encoder().encode


def is_repeated(id: str) -> bool:
    """Whether an append that nobody was told of is asked for again, once and at once, for a store remembers a command
    for so long only; the others are left to the reconciler."""
    return crc32(id.encode()) % 2 == 0


class Clients:
    """Each of them is at work, or was killed just now."""

    def __init__(self, url: str, count: int, plant: str = "") -> None:
        self.history = History()
        self.found = Findings()
        self.noted: Counter[str] = Counter()
        self.kills = 0
        self.of_others = 0
        """Events that another process than their appender brought into the log."""
        self.of_the_dead = 0
        """Those of them whose appender had been killed before."""
        self._url = url
        self._plant = plant
        self._count = count
        self._all: list[_Client] = []
        self._generations = 0
        self._killed_at: dict[int, float] = {}
        self._acknowledged = asyncio.Event()

    @property
    def operations(self) -> int:
        """Appends with an outcome."""
        return len(self.history.acks) + len(self.history.refusals)

    @property
    def resolved(self) -> int:
        """Appends whose conditional write was not answered, and that came to an outcome; and appends that nobody was
        told of, because the outcome was told as unknown or the process killed, and that are there when repeated."""
        return sum(count for what, count in self.noted.items() if what in RESOLVED)

    @property
    def told(self) -> str:
        """What the protocol had to do, by kind."""
        lines = [f"{count:,} {what}" for what, count in sorted(self.noted.items())]
        lines += [
            f"{self.resolved:,} unknown outcomes resolved",
            f"{self.of_others:,} events logged by another process than appended them",
            f"{self.of_the_dead:,} of them for a process that had been killed",
        ]
        return "\n".join(f"    {line}" for line in lines)

    async def start(self) -> None:
        self._all = list(await asyncio.gather(*(self._start([], []) for _ in range(self._count))))

    async def kill_one(self, chance: random.Random) -> None:
        """And start another, which repeats half of what it left open."""
        place = chance.randrange(len(self._all))
        killed = await self._kill(self._all[place])
        self._all[place] = await self._start(killed.last, [id for id in killed.called if is_repeated(id)])

    async def kill_all(self) -> None:
        """For good."""
        await asyncio.gather(*(self._kill(client) for client in self._all))

    async def until_acknowledged(self) -> float:
        """Seconds until an append that is called from now on is acknowledged."""
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            while not self.history.acks or self.history.acks[-1].called < began:
                self._acknowledged.clear()
                await self._acknowledged.wait()
        return time.monotonic() - began

    async def until(self, operations: int) -> None:
        while self.operations < operations:
            await self.until_acknowledged()

    async def _start(self, acknowledged: list[str], unknown: list[str]) -> _Client:
        self._generations += 1
        asked = Asked(self._url, self._generations, self._plant, acknowledged, unknown)
        command = [sys.executable, "-m", "tests.faults.cassandra_writer"]
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=ROOT)
        assert process.stdin is not None
        process.stdin.write(_encode(asked))
        process.stdin.write_eof()
        return _Client(self, process, self._generations, acknowledged)

    async def _kill(self, client: _Client) -> _Client:
        """SIGKILL; returns once everything it said was heard."""
        if client.process.returncode is not None:
            self.found.other.append(f"a writer ended by itself with code {client.process.returncode}")
        else:
            self._killed_at[client.generation] = time.monotonic()
            client.process.kill()
            self.kills += 1
        await client.process.wait()
        await client.listening
        return client

    # -- what they say -----------------------------------------------------------

    def acked(self, ack: Ack) -> None:
        called = self.history.called.pop(ack.id, ack.called)
        self.history.acks.append(msgspec.structs.replace(ack, called=called))
        self._acknowledged.set()

    def refused(self, refusal: Refusal) -> None:
        self.history.called.pop(refusal.id, None)
        self.history.refusals.append(refusal)

    def logged(self, by: int, told: Logged) -> None:
        for generation, events in told.generations.items():
            if generation != by:
                self.of_others += events
                self.of_the_dead += events if self._killed_at.get(generation, told.at) < told.at else 0


class _Client:
    """One process."""

    def __init__(self, clients: Clients, process: Process, generation: int, acknowledged: list[str]) -> None:
        self.process = process
        self.generation = generation
        self.last = acknowledged
        self.called: dict[str, None] = {}
        """By this process first, and without an outcome."""
        self.listening = asyncio.create_task(self._listen())
        self._clients = clients

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if line.endswith(b"\n"):
                self._hear(_decode(line))

    def _hear(self, said: Told) -> None:
        clients = self._clients
        match said:
            case Started():
                pass
            case Called(id, at):
                self.called[id] = None
                clients.history.called[id] = at
            case Ack():
                self.called.pop(said.id, None)
                self.last = [*self.last[-REPEATED + 1 :], said.id]
                clients.acked(said)
            case Refusal():
                self.called.pop(said.id, None)
                clients.refused(said)
            case Repeated(id, stream, first, last, replayed):
                if not replayed:
                    clients.found.duplicated.append(f"{id} was acknowledged, and committed anew when repeated")
                clients.history.acks.append(Ack(id, stream, first, last))
            case Logged():
                clients.logged(self.generation, said)
            case Noted(what):
                clients.noted[what] += 1

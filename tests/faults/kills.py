"""kills: three processes write to one file and are killed with SIGKILL at random; what they acknowledged is there."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import msgspec

from headwater.engines.sqlite import open_engine
from headwater.ports.engine import EngineOptions
from tests.faults.folder import ROOT, a_folder
from tests.faults.history import Ack, Findings, History, Refusal, check
from tests.faults.reading import damages, held
from tests.faults.report import Row, control, row
from tests.faults.writer import Repeated, Started

__all__ = ["kill_early", "kill_writers"]

WRITERS = 3
LIMIT = 360
"""Seconds after which no more processes are started, whatever was reached."""

_decode = msgspec.json.Decoder(Ack | Refusal | Repeated | Started).decode


class Writer:
    """A writing process, and what it says."""

    def __init__(self, process: Process, history: History, findings: Findings) -> None:
        self.process = process
        self.started = asyncio.Event()
        self.last: list[Ack] = []
        self._history = history
        self._findings = findings
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(
        cls, url: str, generation: str, repeat: list[str], history: History, findings: Findings, *options: str
    ) -> Writer:
        command = [sys.executable, "-m", "tests.faults.writer", url, generation, *options]
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=ROOT)
        assert process.stdin is not None
        process.stdin.write("\n".join(repeat).encode())
        process.stdin.write_eof()
        return cls(process, history, findings)

    async def kill(self) -> None:
        """SIGKILL; returns once everything it said was heard."""
        if self.process.returncode is not None:
            self._findings.other.append(f"a writer ended by itself with code {self.process.returncode}")
        else:
            self.process.kill()
        await self.process.wait()
        await self._listening

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if line.endswith(b"\n"):
                self._hear(_decode(line))
        self.started.set()

    def _hear(self, said: Ack | Refusal | Repeated | Started) -> None:
        match said:
            case Ack():
                self._history.acks.append(said)
                self.last = [*self.last[-9:], said]
            case Refusal():
                self._history.refusals.append(said)
            case Started():
                self.started.set()
            case Repeated(id, stream, first, last, replayed):
                if not replayed:
                    self._findings.duplicated.append(f"{id} was acknowledged, and committed anew when repeated")
                self._history.acks.append(Ack(id, stream, first, last))


async def kill_writers(kills: int, acks: int, seed: int = 1) -> Row:
    """Go on until there were as many kills and acknowledged appends, then check the whole store."""
    history, findings = History(), Findings()
    with a_folder() as folder:
        killed = await _kill(folder / "store.db", kills, acks, history, findings, seed)
        findings.add(await _verify(folder / "store.db", history))
    return row("acknowledged appends survive kill -9 of their writers", len(history.acks), killed, findings)


async def kill_early(kills: int, seed: int = 2) -> Row:
    """The control: writers that acknowledge before the store has committed."""
    history, findings = History(), Findings()
    with a_folder() as folder:
        killed = await _kill(folder / "store.db", kills, 0, history, findings, seed, "early")
        refused = {refusal.id for refusal in history.refusals}
        history.acks = [ack for ack in history.acks if ack.id not in refused]
        findings.add(await _verify(folder / "store.db", history))
    return control("acknowledged before the commit, killed with kill -9", len(history.acks), killed, findings)


async def _kill(
    path: Path, kills: int, acks: int, history: History, findings: Findings, seed: int, *options: str
) -> int:
    chance = random.Random(seed)
    url = f"sqlite:///{path}?busy_timeout=60"
    generation = 0

    async def start(repeat: list[Ack]) -> Writer:
        nonlocal generation
        generation += 1
        ids = [] if options else [ack.id for ack in repeat]
        return await Writer.start(url, f"g{generation}", ids, history, findings, *options)

    writers = [await start([]) for _ in range(WRITERS)]
    killed, ends = 0, time.monotonic() + LIMIT
    while (killed < kills or len(history.acks) < acks) and time.monotonic() < ends:
        place = chance.randrange(WRITERS)
        await asyncio.wait_for(writers[place].started.wait(), 60)
        await asyncio.sleep(chance.uniform(0.0, 0.5))
        await writers[place].kill()
        killed += 1
        writers[place] = await start(writers[place].last)
        if killed % 25 == 0:
            print(f"  {killed} kills, {len(history.acks):,} acknowledged", flush=True)
    await asyncio.gather(*(writer.kill() for writer in writers))
    return killed + WRITERS


async def _verify(path: Path, history: History) -> Findings:
    engine = open_engine(f"sqlite:///{path}", EngineOptions())
    await engine.open()
    found = check(history, await held(engine))
    found.other += await damages(engine)
    await engine.close()
    return found

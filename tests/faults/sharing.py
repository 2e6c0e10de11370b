"""sharing: three processes share projections in one store and are killed, while one appends and one watches."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Coroutine

from headwater import CQRSManager
from headwater.ports.place import Place
from tests.faults.folder import ROOT
from tests.faults.history import Findings
from tests.faults.report import Row, control, row
from tests.faults.shared import PARTITIONS, all_miscounted, put_at_last, shared
from tests.faults.stores import ON_SQLITE, Stores

__all__ = ["a_runner", "kill_early_checkpoints", "kill_sharing", "kill_unknowing", "start_runner"]

RUNNERS = 3
STREAMS = 40
AHEAD = 800
"""Events that wait for the place that is furthest behind: enough to be always at work."""
LIMIT = 900
"""Seconds after which no process is killed any more."""
QUIET = {"early", "unknowing"}
"""Modes in which a runner asks nothing."""


async def kill_sharing(kills: int, stores: Stores = ON_SQLITE, seed: int = 11) -> Row:
    """Kill -9 in mid-batch, again and again; whoever is left goes on."""
    findings = Findings()
    async with stores.new(PARTITIONS) as url:
        async with shared(url, run_projections=False) as cqrs, _appending(cqrs), _watching(cqrs, findings):
            killed = await _kill(url, kills, random.Random(seed), findings)
        events, found = await all_miscounted(url)
        findings.add(found)
    return row(f"{stores.title}three processes share projections, killed with kill -9", events, killed, findings)


async def kill_early_checkpoints(kills: int, stores: Stores = ON_SQLITE, seed: int = 12) -> Row:
    """The control: processes whose store moves the checkpoint in a transaction before that of the rows."""
    findings = Findings()
    async with stores.new(PARTITIONS) as url:
        async with shared(url, run_projections=False) as cqrs, _appending(cqrs):
            killed = await _kill(url, kills, random.Random(seed), findings, "early")
        events, found = await all_miscounted(url)
    return control(
        f"{stores.title}the checkpoint committed before the rows, killed with kill -9", events, killed, found
    )


async def kill_unknowing(kills: int, stores: Stores, seed: int = 13) -> Row:
    """The control on Cassandra: processes whose rows do not know which events they have."""
    findings = Findings()
    async with stores.new(PARTITIONS) as url:
        async with shared(url, run_projections=False) as cqrs, _appending(cqrs):
            killed = await _kill(url, kills, random.Random(seed), findings, "unknowing")
        events, found = await all_miscounted(url)
    wrong = Findings(lost=[*found.lost, *found.duplicated])
    return control(f"{stores.title}rows that do not know their events, killed with kill -9", events, killed, wrong)


@contextlib.asynccontextmanager
async def a_runner(url: str, *arguments: str) -> AsyncGenerator[Process, None]:
    """A process that runs the shared projections, and is killed in the end, whatever came of it."""
    process = await start_runner(url, *arguments)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def start_runner(url: str, *arguments: str) -> Process:
    """A process that runs the shared projections."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.shared_runner", url, *arguments, stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    if not QUIET.issuperset(arguments):
        return process
    await asyncio.wait_for(process.stdout.readline(), 60)
    return process


async def _kill(url: str, kills: int, chance: random.Random, findings: Findings, *mode: str) -> int:
    runners = await asyncio.gather(*(start_runner(url, *mode) for _ in range(RUNNERS)))
    killed, ends = 0, time.monotonic() + LIMIT
    while killed < kills and time.monotonic() < ends:
        await asyncio.sleep(chance.uniform(0.02, 0.4))
        number = chance.randrange(RUNNERS)
        if runners[number].returncode is not None:
            findings.other.append("a process that ran projections ended by itself")
        else:
            runners[number].kill()
        await runners[number].wait()
        killed += 1
        runners[number] = await start_runner(url, *mode)
        if killed % 50 == 0:
            print(f"  {killed} kills of processes that share", flush=True)
    for runner in runners:
        runner.kill()
        await runner.wait()
    return killed


@contextlib.asynccontextmanager
async def _appending(cqrs: CQRSManager) -> AsyncGenerator[None, None]:
    """Append to random streams meanwhile, no faster than is handled."""
    chance = random.Random(5)

    async def append() -> None:
        while True:
            await asyncio.gather(*(put_at_last(cqrs.engine, str(chance.randrange(STREAMS)), 10) for _ in range(10)))
            while await _backlog(cqrs) > AHEAD:
                await cqrs.engine.wakeups.wait(cqrs.engine.wakeups.seen(), 0.05)

    async with _beside(append()):
        yield


async def _backlog(cqrs: CQRSManager) -> int:
    """Of the place that is furthest behind."""
    log, kept = cqrs.engine.log, await cqrs.engine.projections.checkpoints()
    heads = [await log.head(partition) for partition in range(log.partitions)]
    return max((heads[each.place.partition] - each.offset for each in kept), default=sum(heads))


@contextlib.asynccontextmanager
async def _watching(cqrs: CQRSManager, findings: Findings) -> AsyncGenerator[None, None]:
    """Look at the checkpoints all along: none goes back."""
    seen: dict[Place, int] = {}

    async def watch() -> None:
        while True:
            for kept in await cqrs.engine.projections.checkpoints():
                if kept.offset < seen.get(kept.place, 0):
                    findings.other.append(f"{kept.place.lease} went back from {seen[kept.place]} to {kept.offset}")
                seen[kept.place] = kept.offset
            await asyncio.sleep(0.002)

    async with _beside(watch()):
        yield


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[object, object, None]) -> AsyncGenerator[None, None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()
        await asyncio.wait([task])

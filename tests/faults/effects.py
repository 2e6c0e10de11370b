"""effects: processes that run a projection are killed in the middle of it; each event has its effect exactly once."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from asyncio.subprocess import PIPE, Process

from headwater import AnyVersion, CQRSManager, StreamId
from headwater.domain.append import Append, Write
from headwater.domain.event import NewEvent
from headwater.handling.ids import uuid7
from headwater.ports.engine import Engine
from tests.faults.counting import miscounts
from tests.faults.folder import ROOT
from tests.faults.history import Findings
from tests.faults.marks import CountMarks
from tests.faults.report import Row, row
from tests.faults.stores import ON_SQLITE, Stores

__all__ = ["kill_projections", "put"]

RUNNERS = 2
LIMIT = 600
"""Seconds after which no process is killed any more."""
STREAMS = 50
APPEND = 100
"""Events in each append of the stock."""


async def kill_projections(kills: int, stores: Stores = ON_SQLITE, seed: int = 3) -> Row:
    """Two processes take the work from each other's dead hands; then one finishes it."""
    findings = Findings()
    async with stores.new(2) as url, CQRSManager(url, projections=[CountMarks()], run_projections=False) as cqrs:
        killed = await _kill(cqrs, url, kills, random.Random(seed), findings)
        await cqrs.synchronizer.start()
        await cqrs.synchronizer.caught_up(timeout=300)
        events, found = await miscounts(cqrs)
        findings.add(found)
    return row(
        f"{stores.title}each event's effect exactly once, its projection killed with kill -9", events, killed, findings
    )


async def _kill(cqrs: CQRSManager, url: str, kills: int, chance: random.Random, findings: Findings) -> int:
    runners = [await _start(url) for _ in range(RUNNERS)]
    killed, ends, last = 0, time.monotonic() + LIMIT, 0
    while killed < kills and time.monotonic() < ends:
        last = await _stocked(cqrs, last)
        place = chance.randrange(RUNNERS)
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        if runners[place].returncode is not None:
            findings.other.append("a process that ran a projection ended by itself")
        else:
            runners[place].kill()
        await runners[place].wait()
        killed += 1
        runners[place] = await _start(url)
        if killed % 25 == 0:
            print(f"  {killed} kills of projections, {last:,} events handled under them", flush=True)
    for runner in runners:
        runner.kill()
        await runner.wait()
    if await _handled(cqrs) == 0:
        findings.other.append("nothing was handled while processes were killed")
    return killed + RUNNERS


async def _start(url: str) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.effects_runner", url, stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 60)
    return process


async def _stocked(cqrs: CQRSManager, seen: int) -> int:
    """Keep work in the log for the processes to be killed in; how far they are."""
    at, log = await _handled(cqrs), cqrs.engine.log
    assert at >= seen
    ahead = sum([await log.head(partition) for partition in range(log.partitions)]) - at
    while ahead < STREAMS * APPEND:
        await asyncio.gather(*(put(cqrs.engine, f"s{number}", APPEND) for number in range(STREAMS)))
        ahead += STREAMS * APPEND
    return at


async def _handled(cqrs: CQRSManager) -> int:
    return sum([kept.offset for kept in await cqrs.engine.projections.checkpoints("count_marks")])


async def put(engine: Engine, stream: str, number: int) -> None:
    """Append marks to a stream."""
    events = tuple([NewEvent(uuid7(), "Mark", 1, b'{"id":"","part":1,"of":1}') for _ in range(number)])
    write = Write(stream=StreamId("marked", stream), expected=AnyVersion(), events=events)
    await engine.events.append(Append(writes=(write,)))

"""freezing: a process is frozen between handling and commit, another takes over and passes it, then it thaws."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process

from headwater import CQRSManager
from headwater.ports.place import Place
from tests.faults.history import Findings
from tests.faults.report import Row, control, row
from tests.faults.shared import PARTITIONS, all_miscounted, put_at_last, shared
from tests.faults.sharing import a_runner
from tests.faults.stores import ON_SQLITE, Stores

__all__ = [
    "PATIENCE",
    "freeze_and_thaw",
    "frozen_before_commit",
    "go_on",
    "line_of",
    "passed",
    "thaw_careless",
    "thaw_hasty",
    "thaw_late",
    "thawed",
    "where",
]

PATIENCE = 180.0
_SETTLED = 0.05
"""Seconds for its writer's thread to end what was queued before: frozen in a transaction is another test."""


async def freeze_and_thaw(rounds: int, stores: Stores = ON_SQLITE) -> Row:
    """In every round the zombie's commit must be refused, and nothing of it be there."""
    events, refused, findings = await _rounds(rounds, stores, "pausing")
    if refused < rounds:
        findings.other.append(f"{rounds - refused} zombies were not refused")
    return row(f"{stores.title}frozen between handling and commit, overtaken, thawed", events, rounds, findings)


async def thaw_late(rounds: int, stores: Stores) -> Row:
    """On Cassandra: what the zombie made of rows it had read before is written after others have gone on with them."""
    events, refused, findings = await _rounds(rounds, stores, "late")
    if refused < rounds:
        findings.other.append(f"{rounds - refused} zombies were not refused")
    return row(
        f"{stores.title}frozen between reading rows and writing them, overtaken, thawed", events, rounds, findings
    )


async def thaw_hasty(rounds: int, stores: Stores) -> Row:
    """The control: the zombie's rows have the time of its own clock, which is ahead."""
    events, _, found = await _rounds(rounds, stores, "hasty")
    wrong = Findings(lost=[*found.lost, *found.duplicated, *found.reordered])
    return control(f"{stores.title}rows that have the time of a clock, thawed", events, rounds, wrong)


async def thaw_careless(rounds: int, stores: Stores = ON_SQLITE) -> Row:
    """The control: a zombie whose store ignores epochs, and commits where the checkpoint stands by then."""
    events, _, found = await _rounds(rounds, stores, "careless")
    wrong = Findings(lost=[*found.lost, *found.duplicated, *found.reordered])
    return control(f"{stores.title}a store that ignores epochs, thawed", events, rounds, wrong)


async def _rounds(rounds: int, stores: Stores, zombies: str) -> tuple[int, int, Findings]:
    """Events, how many zombies were refused, and what is wrong afterwards."""
    findings, refused = Findings(), 0
    async with stores.new(PARTITIONS) as url:
        async with shared(url, run_projections=False) as cqrs, a_runner(url, zombies) as zombie:
            for number in range(rounds):
                await put_at_last(cqrs.engine, str(number % 7), 25)
                place, wanted = await frozen_before_commit(zombie)
                async with a_runner(url):
                    await put_at_last(cqrs.engine, str(number % 7), 5)
                    await passed(cqrs, place, wanted)
                refused += await thawed(zombie) == "refused"
        events, found = await all_miscounted(url)
        findings.add(found)
    return events, refused, findings


async def go_on(zombie: Process) -> None:
    """Answer what it asks, and thaw it."""
    assert zombie.stdin is not None
    zombie.stdin.write(b"\n")
    zombie.send_signal(signal.SIGCONT)


async def frozen_before_commit(zombie: Process) -> tuple[Place, int]:
    """Freeze it once it asks; where it was about to commit, and up to which offset."""
    line = await line_of(zombie)
    while not line.startswith("about"):
        line = await line_of(zombie)
    await asyncio.sleep(_SETTLED)
    zombie.send_signal(signal.SIGSTOP)
    return where(line)


def where(line: str) -> tuple[Place, int]:
    """A place and an offset, as a zombie names them after a word."""
    _, projection, partition, generation, key_range, offset = line.split()
    return Place(projection, int(partition), int(generation), int(key_range)), int(offset)


async def passed(cqrs: CQRSManager, place: Place, offset: int) -> None:
    """Until the checkpoint of a place is there: another process, say, has committed the zombie's page."""
    async with asyncio.timeout(PATIENCE):
        while True:
            seen = cqrs.engine.wakeups.seen()
            if (await cqrs.engine.projections.checkpoint(place)).offset >= offset:
                return
            await cqrs.engine.wakeups.wait(seen, 0.1)


async def thawed(zombie: Process) -> str:
    """What it says of its commit."""
    await go_on(zombie)
    return await line_of(zombie)


async def line_of(process: Process) -> str:
    """The next thing that a zombie says."""
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode().strip()
    if not line:
        raise AssertionError("the process that is to be frozen ended by itself")
    return line

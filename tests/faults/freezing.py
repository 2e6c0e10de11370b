"""freezing: a process is frozen between handling and commit, another takes over and passes it, then it thaws."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from asyncio.subprocess import Process

from headwater import CQRSManager
from headwater.errors import StoreBusy
from headwater.ports.place import Place
from tests.faults.folder import a_folder
from tests.faults.history import Findings
from tests.faults.report import Row, control, row
from tests.faults.shared import PARTITIONS, all_miscounted, put, shared
from tests.faults.sharing import a_runner
from tests.faults.stores import ON_SQLITE, Stores

__all__ = ["freeze_and_thaw", "freeze_inside", "frozen_before_commit", "thaw_careless", "thawed"]

_PATIENCE = 60.0
_SETTLED = 0.05
"""Seconds for its writer's thread to end what was queued before: frozen in a transaction is another test."""


async def freeze_and_thaw(rounds: int, stores: Stores = ON_SQLITE) -> Row:
    """In every round the zombie's commit must be refused, and nothing of it be there."""
    events, refused, findings = await _rounds(rounds, stores, "pausing")
    if refused < rounds:
        findings.other.append(f"{rounds - refused} zombies were not refused")
    return row(f"{stores.title}frozen between handling and commit, overtaken, thawed", events, rounds, findings)


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
                await put(cqrs.engine, str(number % 7), 25)
                place, wanted = await frozen_before_commit(zombie)
                async with a_runner(url):
                    await put(cqrs.engine, str(number % 7), 5)
                    await _passed(cqrs, place, wanted)
                refused += await thawed(zombie) == "refused"
        events, found = await all_miscounted(url)
        findings.add(found)
    return events, refused, findings


async def freeze_inside(rounds: int) -> Row:
    """Frozen within a write transaction, a process keeps the others waiting: they are told so, and nothing is lost."""
    findings = Findings()
    busy = 0
    with a_folder() as folder:
        url = f"sqlite:///{folder}/store.db?busy_timeout=0.2"
        async with shared(url, run_projections=False) as cqrs:
            for number in range(rounds):
                async with a_runner(f"{url}0", "inside") as zombie:
                    busy += await _is_busy(cqrs, zombie, str(number), findings)
        events, found = await all_miscounted(f"{url}0")
        findings.add(found)
    return row("frozen inside the write transaction: others are told, nothing is lost", events, busy, findings)


async def _is_busy(cqrs: CQRSManager, zombie: Process, stream: str, findings: Findings) -> bool:
    """Whether an append is told that the store is busy, while a process is frozen in its transaction."""
    while await _until_inside(zombie):
        with contextlib.suppress(StoreBusy):  # it was inside already
            await put(cqrs.engine, stream, 25)
    zombie.send_signal(signal.SIGSTOP)
    try:
        await put(cqrs.engine, stream, 1)
    except StoreBusy:
        return True
    else:
        findings.other.append("an append went through a lock that a frozen process holds")
        return False
    finally:
        await _go_on(zombie)
        await _put_at_last(cqrs, stream)


async def _until_inside(zombie: Process) -> bool:
    """False once it is inside; True after a moment without a word of it."""
    try:
        async with asyncio.timeout(0.05):
            return await _line(zombie) != "inside"
    except TimeoutError:
        return True


async def _put_at_last(cqrs: CQRSManager, stream: str) -> None:
    """The lock is free again soon."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            try:
                return await put(cqrs.engine, stream, 1)
            except StoreBusy:
                await asyncio.sleep(0.01)


async def _go_on(zombie: Process) -> None:
    assert zombie.stdin is not None
    zombie.stdin.write(b"\n")
    zombie.send_signal(signal.SIGCONT)


async def frozen_before_commit(zombie: Process) -> tuple[Place, int]:
    """Freeze it once it asks; where it was about to commit, and up to which offset."""
    line = await _line(zombie)
    while not line.startswith("about"):
        line = await _line(zombie)
    await asyncio.sleep(_SETTLED)
    zombie.send_signal(signal.SIGSTOP)
    _, projection, partition, key_range, offset = line.split()
    return Place(projection, int(partition), key_range=int(key_range)), int(offset)


async def _passed(cqrs: CQRSManager, place: Place, offset: int) -> None:
    """Until another process has committed the zombie's page."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            seen = cqrs.engine.wakeups.seen()
            if (await cqrs.engine.projections.checkpoint(place)).offset >= offset:
                return
            await cqrs.engine.wakeups.wait(seen, 0.1)


async def thawed(zombie: Process) -> str:
    """What it says of its commit."""
    await _go_on(zombie)
    return await _line(zombie)


async def _line(process: Process) -> str:
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), _PATIENCE)).decode().strip()
    if not line:
        raise AssertionError("the process that is to be frozen ended by itself")
    return line

"""side_effects: what is told after a commit is told, whoever is killed; again only by who takes over from the dead."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

from headwater import CQRSManager, RunnerOptions
from headwater.ports.place import Place
from tests.faults.effects import put
from tests.faults.folder import ROOT, a_folder
from tests.faults.history import Findings
from tests.faults.report import Row, control, row
from tests.faults.stores import ON_SQLITE, Stores
from tests.faults.telling import OPTIONS, STEADY, TellMarks

__all__ = ["kill_markless", "kill_telling"]

STREAMS = 20
_PLACE = Place("tell_marks")
_PATIENCE = 300.0


async def kill_telling(kills: int, stores: Stores = ON_SQLITE, seed: int = 21) -> Row:
    """Kill it in the middle; then rebuild it at rest, which tells nothing; then at work, which tells each event once.

    At work are two processes, and each swap finds one of them in the middle of a page's effects.
    """
    found = Findings()
    async with _new(stores) as (url, file):
        head = await _killed(url, file, kills, seed)
        repeats = _check(_told(file), head, kills, found)
        async with _telling(url, file, STEADY) as cqrs:
            await _rebuild(cqrs, url, file, found)
    print(f"  {repeats} effects told again over {kills} kills, at most {OPTIONS.batch_size} each", flush=True)
    promise = f"{stores.title}side effects run; a page of them again at a kill, none at a swap or in a rebuild"
    return row(promise, head, kills, found)


async def kill_markless(kills: int, stores: Stores = ON_SQLITE, seed: int = 22) -> Row:
    """The control: the mark of side effects goes ahead of them, so that what a process died before is never told."""
    found = Findings()
    async with _new(stores) as (url, file):
        head = await _killed(url, file, kills, seed, "markless")
        _check(_told(file), head, kills, found)
    return control(f"{stores.title}side effects marked as run before they are", head, kills, found)


@asynccontextmanager
async def _new(stores: Stores) -> AsyncGenerator[tuple[str, Path], None]:
    """The URL of a store, and the file that is told in."""
    with a_folder() as folder:
        async with stores.new(1) as url:
            yield url, folder / "told"


def _telling(url: str, file: Path, options: RunnerOptions) -> CQRSManager:
    """The application, at rest."""
    return CQRSManager(url, projections=[TellMarks(file)], runner=options, run_projections=False)


async def _killed(url: str, file: Path, kills: int, seed: int, *options: str) -> int:
    """Kill who tells, then have the rest told; the log's end."""
    async with _telling(url, file, OPTIONS) as cqrs:
        await _kill(cqrs, url, file, kills, random.Random(seed), *options)
        await cqrs.synchronizer.start()
        await cqrs.synchronizer.caught_up(_PATIENCE)
        return await cqrs.engine.log.head(0)


async def _kill(cqrs: CQRSManager, url: str, file: Path, kills: int, chance: random.Random, *options: str) -> None:
    """Each process is killed once it is in the middle of the stock."""
    for _ in range(kills):
        await asyncio.gather(*(put(cqrs.engine, f"s{number}", 20) for number in range(STREAMS)))
        process = await _start(url, file, *options)
        at = (await cqrs.engine.projections.checkpoint(_PLACE)).offset
        await _passed(cqrs, at + chance.randrange(1, 10 * OPTIONS.batch_size))
        process.kill()
        await process.wait()


async def _start(url: str, file: Path, *options: str) -> Process:
    command = (sys.executable, "-m", "tests.faults.telling", url, str(file), *options)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=ROOT)
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), _PATIENCE)
    return process


async def _passed(cqrs: CQRSManager, offset: int) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            seen = cqrs.engine.wakeups.seen()
            if (await cqrs.engine.projections.checkpoint(_PLACE)).offset >= offset:
                return
            await cqrs.engine.wakeups.wait(seen, 0.1)


async def _rebuild(cqrs: CQRSManager, url: str, file: Path, found: Findings) -> None:
    """Twice: with nobody else at work, and with the projection at work and events coming."""
    before = _told(file)
    await cqrs.synchronizer.rebuild_read_model(TellMarks, batch_size=50)
    if (more := len(_told(file)) - len(before)) != 0:
        found.duplicated.append(f"a rebuild told {more} effects")
    process = await _start(url, file, "steady")
    await cqrs.synchronizer.start()
    swaps = asyncio.ensure_future(_swap(cqrs))
    while not swaps.done():
        await put(cqrs.engine, "live", 5)
        await _told_of(cqrs, await cqrs.engine.log.head(0) - 50)
    await swaps
    await _told_of(cqrs, await cqrs.engine.log.head(0))
    process.kill()
    await process.wait()
    await put(cqrs.engine, "live", 5)
    await cqrs.synchronizer.caught_up(_PATIENCE)
    head = await cqrs.engine.log.head(0)
    await cqrs.synchronizer.stop()
    repeats = _check(_told(file)[len(before) :], head, 0, found, start=max(before) + 1)
    print(f"  {repeats} effects told again at swaps under a projection at work", flush=True)
    if len(served := [g.number for g in await cqrs.engine.generations.all() if g.state == "serving"]) != 1:
        found.other.append(f"generations {served} are served")


async def _swap(cqrs: CQRSManager) -> None:
    """A rebuild, then back and forth, each once there is something new to tell."""
    await cqrs.synchronizer.rebuild_read_model(TellMarks, batch_size=50)
    for _ in range(4):
        await cqrs.synchronizer.caught_up(_PATIENCE)
        await cqrs.synchronizer.switch_back(TellMarks)


async def _told_of(cqrs: CQRSManager, offset: int) -> None:
    """Until whoever runs what is served has told of every event below an offset, and said so."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            seen = cqrs.engine.wakeups.seen()
            (number,) = [g.number for g in await cqrs.engine.generations.all() if g.state == "serving"]
            if (await cqrs.engine.projections.checkpoint(Place("tell_marks", generation=number))).effects >= offset:
                return
            await cqrs.engine.wakeups.wait(seen, 0.1)


def _told(file: Path) -> list[int]:
    """Offsets, in the order they were told."""
    return [int(line) for line in file.read_text().split()]


def _check(told: Sequence[int], head: int, breaks: int, found: Findings, start: int = 0) -> int:
    """Each offset is told, in order but for a page told again at each kill or swap; how many effects that were."""
    times = Counter(told)
    found.lost += [f"the effect of {offset} never ran" for offset in range(start, head) if not times[offset]]
    repeats = times.total() - len(times)
    back = sum(after <= before for before, after in pairwise(told))
    if repeats > breaks * OPTIONS.batch_size:
        found.duplicated.append(
            f"{repeats} effects ran again over {breaks} kills or swaps, a page has {OPTIONS.batch_size}"
        )
    if back > breaks:
        found.reordered.append(f"effects went back {back} times over {breaks} kills or swaps")
    if unknown := [offset for offset in times if not start <= offset < head]:
        found.duplicated.append(f"effects ran of {unknown[:5]}, which are not of {start} to {head}")
    return repeats

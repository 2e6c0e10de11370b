"""holding: a process is frozen inside a transaction and holds its locks: until it thaws, or the server ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from asyncio.subprocess import Process

import msgspec

from headwater import CQRSManager
from headwater.errors import HeadwaterError, StoreBusy
from headwater.ports.place import Place
from tests.faults.folder import a_folder
from tests.faults.freezing import PATIENCE, go_on, line_of, passed, thawed, where
from tests.faults.history import Findings
from tests.faults.report import Row, row
from tests.faults.shared import PARTITIONS, all_miscounted, put, shared
from tests.faults.sharing import a_runner
from tests.faults.stores import ON_POSTGRES

__all__ = ["freeze_in_transaction", "freeze_inside"]

STREAMS = 7


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
    await _until_inside(cqrs, zombie, stream)
    zombie.send_signal(signal.SIGSTOP)
    try:
        await put(cqrs.engine, stream, 1)
    except StoreBusy:
        return True
    else:
        findings.other.append("an append went through a lock that a frozen process holds")
        return False
    finally:
        await go_on(zombie)
        await _put_at_last(cqrs, stream)


async def _put_at_last(cqrs: CQRSManager, stream: str) -> None:
    """The lock is free again soon."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await put(cqrs.engine, stream, 1)
            except StoreBusy:
                await asyncio.sleep(0.01)


async def freeze_in_transaction(rounds: int) -> Row:
    """The server ends its transaction, and nobody is refused meanwhile: not who appends, not who takes over, nor who
    replaces the generation it writes to. Thawed, it is told that nothing of it is kept, and goes on."""
    found, waits = Findings(), list[tuple[float, float]]()
    async with ON_POSTGRES.new(PARTITIONS) as url:
        async with shared(url, run_projections=False) as cqrs:
            for number in range(rounds):
                async with a_runner(url, "inside") as zombie:
                    waits.append(await _waits(cqrs, url, zombie, number, found))
        events, miscounted = await all_miscounted(url)
        found.add(miscounted)
    append, rest = map(max, zip(*waits, strict=True))
    print(f"  waited at most {append:.2f} s for an append, {rest:.2f} s for a projection or its generation")
    promise = f"{ON_POSTGRES.title}frozen inside a transaction: nobody is refused, nothing is lost, it goes on thawed"
    return row(promise, events, rounds, found)


async def _waits(cqrs: CQRSManager, url: str, zombie: Process, number: int, found: Findings) -> tuple[float, float]:
    """Seconds for an append, and for another to pass the frozen process, in every second round by a new generation."""
    place, offset = where(await _until_inside(cqrs, zombie, str(number % STREAMS)))
    zombie.send_signal(signal.SIGSTOP)
    waited = 0.0, 0.0
    try:
        append = await _append_beside(cqrs)
        waited = append, await _pass(cqrs, url, place, offset, replaces=bool(number % 2))
    except HeadwaterError as error:
        found.other.append(f"refused beside a frozen process: {error!r}")
    if (said := await thawed(zombie)) != "refused StoreUnavailable":
        found.other.append(f"a transaction that the server had ended was {said}")
    await _goes_on(cqrs, place)
    return waited


async def _append_beside(cqrs: CQRSManager) -> float:
    """Seconds that an append takes."""
    began = time.monotonic()
    await put(cqrs.engine, "0", 5)
    return time.monotonic() - began


async def _pass(cqrs: CQRSManager, url: str, place: Place, offset: int, *, replaces: bool) -> float:
    """Have the generation replaced, or what the frozen process was at committed by another; seconds from the start."""
    began = time.monotonic()
    if replaces:
        await cqrs.synchronizer.rebuild_read_model(place.projection)
        return time.monotonic() - began
    async with a_runner(url):
        began = time.monotonic()
        await passed(cqrs, place, offset)
    return time.monotonic() - began


async def _goes_on(cqrs: CQRSManager, place: Place) -> None:
    """Until who is thawed, and alone, has handled what came since."""
    for number in range(STREAMS):
        await put(cqrs.engine, str(number), 5)
    known = await cqrs.engine.generations.all(place.projection)
    served = next((each.number for each in known if each.state == "serving"), 0)
    head = await cqrs.engine.log.head(place.partition)
    await passed(cqrs, msgspec.structs.replace(place, generation=served), head)


async def _until_inside(cqrs: CQRSManager, zombie: Process, stream: str) -> str:
    """What it says once it is inside; it is given work until then."""
    while not (line := await _word(zombie)).startswith("inside"):
        with contextlib.suppress(StoreBusy):  # it was inside already
            await put(cqrs.engine, stream, 25)
    return line


async def _word(zombie: Process) -> str:
    """Nothing after a moment without a word of it."""
    try:
        async with asyncio.timeout(0.2):
            return await line_of(zombie)
    except TimeoutError:
        return ""

"""retail_workers: the retail read models, while workers of their projections are killed, or frozen and overtaken."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process

from headwater import CQRSManager, RunnerOptions
from headwater.demo.retail.data import find_source
from headwater.demo.retail.figures import figures
from headwater.demo.retail.handlers import HANDLERS
from headwater.demo.retail.projections import PROJECTIONS
from headwater.demo.retail.queries import ShopQueries
from headwater.demo.retail.resuming import stored_lines
from headwater.demo.sending import Sender, Share
from headwater.demo.truth import compare
from tests.faults.folder import ROOT
from tests.faults.history import Findings
from tests.faults.late_rows import forget_events
from tests.faults.report import Row, control, row
from tests.faults.stores import Stores

__all__ = ["kill_retail", "kill_unknowing_retail"]

WORKERS = 3
PARTITIONS = 4
SENDERS = 6
"""Commands under way: few, so that lines come for as long as workers are killed."""
LEASE = 0.5
PATIENCE = 300.0


async def kill_retail(kills: int, lines: int, stores: Stores, seed: int = 31) -> Row:
    """Sums over all partitions, bounds, and rows of every invoice, customer and stock code: each figure is exact."""
    events, killed, found = await _run(kills, lines, stores, random.Random(seed))
    promise = f"{stores.title}retail read models, their workers killed with kill -9, or frozen and overtaken"
    return row(promise, events, killed, found)


async def kill_unknowing_retail(kills: int, lines: int, stores: Stores, seed: int = 32) -> Row:
    """The control on Cassandra: rows that do not know which events they have."""
    events, killed, found = await _run(kills, lines, stores, random.Random(seed), "unknowing")
    promise = f"{stores.title}retail rows that do not know their events, killed with kill -9"
    return control(promise, events, killed, Findings(lost=found.other))


async def _run(kills: int, lines: int, stores: Stores, chance: random.Random, *mode: str) -> tuple[int, int, Findings]:
    """Events, breaks, and every figure that is another than where nobody is disturbed."""
    found = Findings()
    async with stores.new(PARTITIONS) as url, _shop(url) as cqrs:
        workers = [await _worker(url, *mode) for _ in range(WORKERS)]
        await asyncio.gather(*map(_is_running, workers))
        sending = asyncio.create_task(_send(cqrs, lines))
        at_work = await _break(cqrs, url, workers, kills, chance, found, *mode)
        if not at_work:
            found.other.append("nothing was left to handle whenever a worker was killed")
        print(f"  {at_work} of {kills} breaks while events waited to be handled", flush=True)
        await sending
        await cqrs.synchronizer.start()
        await cqrs.synchronizer.caught_up(PATIENCE)
        await _compare(await figures(cqrs), lines, found)
        events = sum([await cqrs.engine.log.head(each) for each in range(cqrs.engine.log.partitions)])
    return events, kills, found


async def _compare(have: dict[str, object], lines: int, found: Findings) -> None:
    async with _shop("memory://") as undisturbed:
        await _send(undisturbed, lines)
        await undisturbed.synchronizer.start()
        await undisturbed.synchronizer.caught_up(PATIENCE)
        wanted = await figures(undisturbed)
    compared = compare(have, wanted)
    found.other += [f"{each.key} is {each.ours}, and should be {each.truth}" for each in compared.different]
    if len(compared.equal) + len(compared.different) != len(wanted):
        found.other.append(f"{len(compared.equal)} figures of {len(wanted)} were compared")


async def _break(
    cqrs: CQRSManager, url: str, workers: list[Process], kills: int, chance: random.Random, found: Findings, *mode: str
) -> int:
    """Kill a worker, or freeze it for longer than its lease lasts, again and again; how often there was work left."""
    at_work = 0
    for number in range(kills):
        await asyncio.sleep(chance.uniform(0.1, 0.6))
        at_work += await _is_behind(cqrs)
        place = chance.randrange(WORKERS)
        if workers[place].returncode is not None:
            found.other.append("a process that ran projections ended by itself")
            workers[place] = await _worker(url, *mode)
        elif number % 3 == 2:
            workers[place].send_signal(signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(LEASE, 3 * LEASE))
            workers[place].send_signal(signal.SIGCONT)
        else:
            workers[place].kill()
            await workers[place].wait()
            workers[place] = await _worker(url, *mode)
    for worker in workers:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()
    return at_work


async def _is_behind(cqrs: CQRSManager) -> bool:
    log = cqrs.engine.log
    heads = sum([await log.head(partition) for partition in range(log.partitions)])
    handled = sum([kept.offset for kept in await cqrs.engine.projections.checkpoints()])
    return handled < heads * len(PROJECTIONS)


async def _send(cqrs: CQRSManager, lines: int) -> None:
    source = find_source(None, lines)
    await Sender(cqrs.commands, source, await stored_lines(cqrs, source), Share(), lambda _: None).run(SENDERS)


def _shop(url: str) -> CQRSManager:
    """The shop with small pages, and leases that are soon taken over from the dead."""
    return CQRSManager(
        url,
        handlers=[*HANDLERS, ShopQueries()],
        projections=[projection() for projection in PROJECTIONS],
        runner=RunnerOptions(batch_size=20, lease_seconds=LEASE, watch_seconds=LEASE),
        run_projections=False,
    )


async def _worker(url: str, *mode: str) -> Process:
    command = (sys.executable, "-m", "tests.faults.retail_workers", url, *mode)
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=ROOT)


async def _is_running(worker: Process) -> None:
    assert worker.stdout is not None
    await asyncio.wait_for(worker.stdout.readline(), PATIENCE)


async def _main(url: str, is_unknowing: bool) -> None:
    """A process that runs projections until it is killed."""
    if is_unknowing:
        forget_events()
    async with _shop(url) as cqrs:
        await cqrs.synchronizer.start()
        print("running", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], "unknowing" in sys.argv[2:]))

"""rebuilding: read models of the retail data rebuilt while lines are sent, killed in the middle, and switched back."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from typing import cast

import msgspec

from headwater import CQRSManager, ReadModelSynchronizer, RunnerOptions
from headwater.demo.retail.data import find_source
from headwater.demo.retail.handlers import HANDLERS
from headwater.demo.retail.projections import PROJECTIONS
from headwater.demo.retail.resuming import stored_lines
from headwater.demo.retail.shop import shop
from headwater.demo.sending import Sender, Share
from headwater.models.hashing import table_hash
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit, ProjectionStore
from tests.faults.folder import ROOT
from tests.faults.history import Findings
from tests.faults.report import Row, control, row
from tests.faults.stores import ON_SQLITE, Stores

__all__ = ["kill_forgetful", "kill_rebuilds", "rebuild_live", "rebuild_losing"]


async def rebuild_live(seeds: int, lines: int, stores: Stores = ON_SQLITE) -> Row:
    """Every projection rebuilt under live writes, with pages of another size by seed; then old and new are compared."""
    findings, events, answered = Findings(), 0, 0
    for seed in range(seeds):
        async with stores.new(1) as url, shop(url) as cqrs:
            answered += await _rebuilt_while_sending(cqrs, lines, random.Random(seed), findings)
            await cqrs.synchronizer.caught_up(timeout=300)
            events += await cqrs.engine.log.head(0)
            await _compare(cqrs, f"seed {seed}", findings)
    if not answered:
        findings.other.append("no query was asked while a rebuild ran")
    promise = f"{stores.title}a rebuild under live writes equals what it replaces, and back"
    return row(promise, events, seeds, findings)


async def kill_rebuilds(kills: int, lines: int, stores: Stores = ON_SQLITE) -> Row:
    """Killed in the middle a rebuild goes on where it was."""
    events, findings = await _killed(kills, lines, stores)
    return row(f"{stores.title}a rebuild killed with kill -9 goes on where it was", events, kills, findings)


async def kill_forgetful(kills: int, lines: int, stores: Stores = ON_SQLITE) -> Row:
    """The control: processes that drop what is being built, and begin anew."""
    events, found = await _killed(kills, lines, stores, "forgetful")
    return control(
        f"{stores.title}a rebuild that is begun anew after a kill", events, kills, Findings(lost=found.other)
    )


async def _killed(kills: int, lines: int, stores: Stores, *options: str) -> tuple[int, Findings]:
    """How many events there were, and what is wrong afterwards."""
    findings = Findings()
    async with stores.new(1) as url:
        async with shop(url) as cqrs:
            await _send(cqrs, lines)
            await cqrs.synchronizer.caught_up(timeout=300)
            events = await cqrs.engine.log.head(0)
        reached = 0
        for number in range(1, kills + 1):
            process = await _rebuilding(url, *options)
            first = await _done(process)
            if first < reached:
                findings.other.append(f"a rebuild that had come to {reached:,} began again at {first:,}")
            while reached < events * number // (kills + 1):
                reached = await _done(process)
            process.kill()
            await process.wait()
        process = await _rebuilding(url, *options)
        while await _done(process) < events:
            pass
        await process.wait()
        async with shop(url) as cqrs:
            numbers = [g.number for g in await cqrs.engine.generations.all("stock_levels") if g.state == "serving"]
            if numbers != [1]:
                findings.other.append(f"generation {numbers} is served after one rebuild, killed {kills} times")
            await _compare(cqrs, "after kills", findings, only="stock_levels")
    return events, findings


async def rebuild_losing(lines: int, stores: Stores = ON_SQLITE) -> Row:
    """The control: a store that moves the checkpoint of what is built past a page, and forgets its rows."""
    found = Findings()
    async with stores.new(1) as url, _shop(url) as cqrs:
        await _send(cqrs, lines)
        parts = cqrs.projection_parts()
        parts = msgspec.structs.replace(parts, store=cast("ProjectionStore", LosingStore(parts.store)))
        losing = ReadModelSynchronizer(parts, projection_handlers=[projection() for projection in PROJECTIONS])
        await losing.start()
        await losing.caught_up(timeout=300)
        before = await _hashes(cqrs)
        for name in losing.projections:
            await losing.rebuild_read_model(name, batch_size=100)
        after = await _hashes(cqrs)
        await losing.stop()
        found.lost = [table for table in before if before[table] != after[table]]
    return control(f"{stores.title}a rebuild that loses a page", lines, len(PROJECTIONS), found)


class LosingStore:
    """A projection store that commits one page of each place that is built without its rows."""

    def __init__(self, store: ProjectionStore) -> None:
        self._store = store
        self._lost: set[Place] = set()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, commit: ProjectionCommit) -> None:
        if commit.changes and commit.place.generation and commit.place not in self._lost:
            self._lost.add(commit.place)
            commit = msgspec.structs.replace(commit, changes=())
        await self._store.commit(commit)


async def _rebuilt_while_sending(cqrs: CQRSManager, lines: int, chance: random.Random, findings: Findings) -> int:
    """How many queries were answered meanwhile."""
    sending = asyncio.create_task(_send(cqrs, lines))
    while await cqrs.engine.log.head(0) < lines // 3 and not sending.done():
        await cqrs.engine.wakeups.wait(cqrs.engine.wakeups.seen(), 0.1)
    rebuilding = [
        asyncio.create_task(_rebuild(cqrs, name, chance.choice((50, 200, 1_000)), findings))
        for name in cqrs.synchronizer.projections
    ]
    answered = sum(await asyncio.gather(*rebuilding))
    await sending
    return answered


async def _rebuild(cqrs: CQRSManager, name: str, batch_size: int, findings: Findings) -> int:
    (model, *_) = cqrs.synchronizer.projections[name].writes
    answered, last = 0, 0
    async for _ in cqrs.synchronizer.rebuild_read_model(name, batch_size=batch_size):
        rows = await cqrs.read_models.count(model)
        if rows < last - batch_size:  # a log that never rests is handed over within a page: see Handover
            findings.other.append(f"{model.__name__} had {last} rows, then {rows}, while it was rebuilt")
        answered, last = answered + 1, rows
    return answered


async def _send(cqrs: CQRSManager, lines: int) -> None:
    source = find_source(None, lines)
    stored = await stored_lines(cqrs, source)
    await Sender(cqrs.commands, source, stored, Share(), lambda _: None).run(32)


async def _compare(cqrs: CQRSManager, when: str, findings: Findings, only: str | None = None) -> None:
    """The new generation's rows, the old one's once it has come to the same offset, and the new one's again."""
    new = await _hashes(cqrs)
    names = [name for name in cqrs.synchronizer.projections if only in (None, name)]
    for which in ("old", "new again"):
        for name in names:
            await cqrs.synchronizer.switch_back(name)
        await cqrs.synchronizer.caught_up(timeout=300)
        for table, found in (await _hashes(cqrs)).items():
            if found != new[table]:
                findings.other.append(f"{when}: {table} is {new[table]}, and {which} {found}")


async def _hashes(cqrs: CQRSManager) -> dict[str, str]:
    models = [model for projection in cqrs.synchronizer.projections.values() for model in projection.writes]
    hashes: dict[str, str] = {}
    for model in models:
        page = await cqrs.read_models.page(model, size=1_000)
        rows = [*page.items]
        while page.next_cursor is not None:
            page = await cqrs.read_models.page(model, size=1_000, cursor=page.next_cursor)
            rows += page.items
        hashes[model.__name__] = str(table_hash(rows))
    return hashes


def _shop(url: str) -> CQRSManager:
    """The shop with leases short enough to be taken over from the dead."""
    projections, options = [projection() for projection in PROJECTIONS], RunnerOptions(lease_seconds=0.5)
    return CQRSManager(url, handlers=HANDLERS, projections=projections, runner=options, run_projections=False)


async def _rebuilding(url: str, *options: str) -> Process:
    command = (sys.executable, "-m", "tests.faults.rebuilding", url, *options)
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=ROOT)


async def _done(process: Process) -> int:
    assert process.stdout is not None
    return int(await asyncio.wait_for(process.stdout.readline(), 60))


async def _main(url: str, is_forgetful: bool) -> None:
    """A process that rebuilds until it has, or is killed."""
    async with _shop(url) as cqrs:
        if is_forgetful:
            await cqrs.synchronizer.cancel_rebuild("stock_levels")
        async for progress in cqrs.synchronizer.rebuild_read_model("stock_levels", batch_size=50):
            print(progress.done, flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], "forgetful" in sys.argv[2:]))

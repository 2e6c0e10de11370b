"""Whoever dies while a snapshot is written or begun from leaves nothing that is taken for one."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.engines.sqlite import open_engine
from headwater.errors import CheckpointConflict, LeaseLost, SnapshotUnusable, StoreUnavailable
from headwater.ports.engine import EngineOptions
from headwater.ports.generations import Generation
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.projection import Projection
from headwater.projections.seeds import begin_from_seeds
from headwater.projections.snapshotting_seed import Seeding
from headwater.testing.clock import ManualClock
from tests.projections.shop import Added, FaultyStore, Shop, Stock
from tests.projections.snapshots import Application, hash_of, history

pytestmark = pytest.mark.transactional

STEPS = 6
"""Header, rows and trailer are written, the file synced, named, and the folder synced."""


@pytest.mark.parametrize("step", range(1, STEPS + 2))
async def test_killed_at_any_step_of_writing(tmp_path: Path, step: int) -> None:
    clock = ManualClock()
    engine = open_engine(f"sqlite:///{tmp_path}/shop.db", EngineOptions(clock=clock))
    shop = Shop(engine, await engine.open(), clock)
    await history(shop)
    application = Application(shop)
    await application.caught_up()
    code = await _writer(tmp_path, step)
    assert code == (-signal.SIGKILL if step <= STEPS else 0)
    snapshots = application.snapshots(tmp_path / "kept")
    kept = await snapshots.list()
    assert [snapshot.damage for snapshot in kept] == ([""] if step >= STEPS else [])
    partials = list((tmp_path / "kept").glob("*.partial"))
    assert len(partials) == (1 if step < STEPS else 0)
    clock.advance(60)  # the lease of the dead is over
    assert await snapshots.prune() == partials
    await snapshots.snapshot_now(Stock)
    assert list((tmp_path / "kept").glob("*.partial")) == []
    await engine.close()


async def _writer(folder: Path, step: int) -> int:
    command = [sys.executable, "-m", "tests.projections.snapshot_writer", str(folder), str(step)]
    process = await asyncio.create_subprocess_exec(*command)
    return await process.wait()


# -- begun from, and left --------------------------------------------------------


async def kept(shop: Shop, folder: Path) -> Application:
    """An application with one snapshot, and a few events behind it."""
    await history(shop)
    application = Application(shop)
    await application.caught_up()
    await application.snapshots(folder).snapshot_now(Stock)
    await history(shop, 3)
    await application.caught_up()
    return application


def elsewhere(shop: Shop, folder: Path, store: object) -> Application:
    """Another process on the store, which commits through `store`."""
    application = Application(shop, Stock(), parts=shop.fresh_parts(store=store))
    application.snapshots(folder)
    return application


def failing_at(shop: Shop, number: int) -> FaultyStore:
    """A store that is out of reach from the n-th commit on."""
    store, commits = FaultyStore(shop.engine), iter(range(1, number + 1))

    def fail(commit: ProjectionCommit) -> None:
        if next(commits, number) >= number:
            raise StoreUnavailable("unplugged")

    store.before = fail
    return store


@pytest.mark.parametrize("again", ["from a snapshot", "from zero"])
async def test_half_loaded_it_is_never_served_and_begun_anew(shop: Shop, tmp_path: Path, again: str) -> None:
    application = await kept(shop, tmp_path)
    right = await hash_of(shop)
    places = shop.engine.log.partitions
    for number in range(1, 2 * places + 2):  # taken over, rows, moved
        dying = elsewhere(shop, tmp_path, failing_at(shop, number))
        with pytest.raises(StoreUnavailable):
            await dying.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
        assert {g.state for g in await shop.engine.generations.all()} == {"serving", "building"}
    await application.caught_up()  # whoever runs the projection leaves it alone
    assert await hash_of(shop) == right
    (building,) = [g.number for g in await shop.engine.generations.all() if g.state == "building"]
    await application.synchronizer.rebuild_read_model(Stock, from_snapshot=again == "from a snapshot")
    assert await hash_of(shop) == right
    assert sum((await shop.events_seen()).values()) == 66
    assert building not in [g.number for g in await shop.engine.generations.all()]


async def test_loaded_and_left_it_is_gone_on_with(shop: Shop, tmp_path: Path) -> None:
    await shop.append("item-1", Added(units=3), Added(units=4))  # in one of the partitions
    application = Application(shop)
    await application.caught_up()
    right = await hash_of(shop)
    seeds = application.snapshots(tmp_path)
    await seeds.snapshot_now(Stock)
    projection = application.synchronizer.projections["stock"]
    first = await seeds.seeded(projection)
    assert first is not None
    assert await seeds.seeded(projection) == first
    kept = await shop.engine.projections.checkpoints()
    marks = {of: [(at.offset, at.effects) for at in kept if at.place.generation == of] for of in (0, first.number)}
    assert marks[0] == marks[first.number]
    await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
    assert await hash_of(shop) == right
    assert first.number in [g.number for g in await shop.engine.generations.all() if g.state == "serving"]


async def test_two_that_begin_from_it_at_once(shop: Shop, tmp_path: Path) -> None:
    application = await kept(shop, tmp_path)
    right = await hash_of(shop)
    others = [elsewhere(shop, tmp_path, shop.engine.projections).synchronizer for _ in range(3)]
    seeded = await asyncio.gather(
        *[other.seeds.seeded(other.projections["stock"]) for other in others if other.seeds is not None]
    )
    assert len({generation.number for generation in seeded if generation is not None}) == 1
    await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
    assert await hash_of(shop) == right


async def test_one_that_was_frozen_changes_nothing_when_it_thaws(shop: Shop, tmp_path: Path) -> None:
    application = await kept(shop, tmp_path)
    right = await hash_of(shop)
    frozen = FrozenStore(shop)
    zombie = elsewhere(shop, tmp_path, frozen)
    rebuilding = asyncio.create_task(_rebuilt(zombie))
    await frozen.reached.wait()
    shop.clock.advance(60)  # its leases are over
    await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
    frozen.thawed.set()
    with pytest.raises((CheckpointConflict, LeaseLost)):
        await rebuilding
    assert await hash_of(shop) == right
    assert sum((await shop.events_seen()).values()) == 66


async def _rebuilt(application: Application) -> None:
    await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)


class FrozenStore:
    """A store whose client stands still before the first commit of rows."""

    def __init__(self, shop: Shop) -> None:
        self._store = shop.engine.projections
        self.reached = asyncio.Event()
        self.thawed = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, commit: ProjectionCommit) -> None:
        if commit.changes:
            self.reached.set()
            await self.thawed.wait()
        await self._store.commit(commit)


async def test_a_file_that_changes_meanwhile_leaves_nothing(shop: Shop, tmp_path: Path) -> None:
    application = await kept(shop, tmp_path)
    projection = application.synchronizer.projections["stock"]
    (snapshot,) = await application.snapshots(tmp_path).list()
    assert snapshot.header is not None
    path, header = snapshot.path, snapshot.header

    def damage() -> None:
        path.write_bytes(path.read_bytes()[:-1])

    for digest, change, why in (
        ("of another", lambda: None, "replaced"),
        (snapshot.digest, damage, "ends too early"),
        (snapshot.digest, path.unlink, "cannot be opened"),
    ):
        change_it: Callable[[], object] = change
        change_it()
        with pytest.raises(SnapshotUnusable, match=why):
            await Seeding(projection, shop.parts, path, header, digest).run()
        assert [g.state for g in await shop.engine.generations.all()] == ["serving"]


async def test_who_was_ahead_meanwhile_stays_served(shop: Shop, tmp_path: Path) -> None:
    """A first start, while another process runs the projection from zero."""
    application = await kept(shop, tmp_path)
    right = await hash_of(shop)
    snapshots, parts = application.snapshots(tmp_path), shop.parts
    asked: list[str] = []

    class Late:
        async def seeded(self, projection: Projection, new: bool = False) -> Generation | None:
            asked.append(projection.name)
            return await snapshots.seeded(projection)

    await begin_from_seeds(Late(), parts, application.synchronizer.projections.values())
    assert asked == []  # it has run
    fresh = shop.fresh_parts(store=Forgetful(shop))
    await begin_from_seeds(Late(), fresh, application.synchronizer.projections.values())
    assert asked == ["stock"]
    assert [(g.number, g.state) for g in await shop.engine.generations.all()] == [(0, "serving")]
    assert await hash_of(shop) == right


class Forgetful:
    """A store as it was before anything ran."""

    def __init__(self, shop: Shop) -> None:
        self._store = shop.engine.projections

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def checkpoints(self, projection: str | None = None) -> list[object]:
        return []

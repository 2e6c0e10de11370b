"""What begins with a snapshot ends like what begins at zero; a snapshot is of one moment, while others write."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from headwater.errors import RebuildRefused, UnknownName
from headwater.models.changes import Insert
from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions
from headwater.projections.snapshotting import ReadModelSnapshotManager
from headwater.projections.snapshotting_fit import code_of
from headwater.read_models.snapshots_reading import SnapshotContents, SnapshotRows
from headwater.testing.clock import ManualClock
from tests.projections.accounts import AccountView, Balances, Deposited, application, on_file, rows, write
from tests.projections.shop import Added, Removed, Shop, Stock, StockView, until
from tests.projections.snapshots import Application, checkpoints, copy_log, hash_of, history
from tests.stores import fresh_store

pytestmark = pytest.mark.transactional


@pytest.fixture
async def other(request: pytest.FixtureRequest, shop: Shop, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Shop]:
    """A new machine, of the same kind."""
    folder = await asyncio.to_thread(tempfile.mkdtemp, dir=tmp_path)
    async with fresh_store(request.node.callspec.params["engine"], Path(folder)) as url:
        engine = open_engine(url, EngineOptions(clock=clock))
        identity = await engine.open()
        await engine.read_model_schema.ensure([StockView])
        yield Shop(engine, identity, clock)
        await engine.close()


@pytest.mark.parametrize("compressed", [True, False])
async def test_a_rebuild_from_a_snapshot_equals_one_from_zero(shop: Shop, tmp_path: Path, compressed: bool) -> None:
    await history(shop)
    stock = Stock()
    application = Application(shop, stock)
    snapshots = application.snapshots(tmp_path / "kept", compression_enabled=compressed)
    await application.caught_up()
    await snapshots.snapshot_now(Stock)
    await history(shop, 5)
    await application.caught_up()
    live, offsets = await hash_of(shop), [kept.offset for kept in await checkpoints(shop)]
    stock.seen.clear()
    assert (await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)).finished
    assert len(stock.seen) == 5  # only what came after it was handled
    assert await hash_of(shop) == live
    assert [kept.offset for kept in await checkpoints(shop)] == offsets
    await application.synchronizer.rebuild_read_model(Stock)
    assert len(stock.seen) == 5 + 35
    assert await hash_of(shop) == live


async def test_without_asking_a_rebuild_begins_at_zero(shop: Shop, tmp_path: Path) -> None:
    await history(shop)
    application = Application(shop)
    snapshots = application.snapshots(tmp_path / "kept")
    await application.caught_up()
    right = await hash_of(shop)
    await shop.engine.projections.write([Insert(StockView(id="stray", units=9))])
    await snapshots.snapshot_now(Stock)
    await application.synchronizer.rebuild_read_model(Stock)
    assert await hash_of(shop) == right


async def test_what_never_ran_here_begins_with_a_snapshot(shop: Shop, other: Shop, tmp_path: Path) -> None:
    await history(shop)
    application = Application(shop)
    await application.caught_up()
    await application.snapshots(tmp_path / "kept").snapshot_now(Stock)
    await history(shop, 5)
    await application.caught_up()
    await copy_log(shop, other)
    stock = Stock()
    there = Application(other, stock, store_id=shop.identity.store_id)
    there.snapshots(tmp_path / "kept", start_new=True)
    await there.caught_up()
    assert len(stock.seen) == 5
    assert await hash_of(other) == await hash_of(shop)
    assert [(kept.offset, kept.effects) for kept in await checkpoints(other)] == [
        (kept.offset, kept.effects) for kept in await checkpoints(shop)
    ]
    (served,) = await other.engine.generations.all()  # the empty one it took the place of is not kept
    assert code_of(served) == application.synchronizer.projections["stock"].fingerprint
    await there.caught_up()
    assert len(stock.seen) == 5  # what ran once goes on from its checkpoints


async def test_only_where_that_was_said(shop: Shop, other: Shop, tmp_path: Path) -> None:
    await history(shop)
    application = Application(shop)
    await application.caught_up()
    await application.snapshots(tmp_path / "kept").snapshot_now(Stock)
    await copy_log(shop, other)
    stock = Stock()
    there = Application(other, stock, store_id=shop.identity.store_id)
    there.snapshots(tmp_path / "kept")
    await there.caught_up()
    assert len(stock.seen) == 30


async def test_what_it_began_with_may_be_kept_again(shop: Shop, tmp_path: Path) -> None:
    """Its rows are of the same code."""
    await history(shop)
    application = Application(shop)
    snapshots = application.snapshots(tmp_path / "kept")
    await application.caught_up()
    await snapshots.snapshot_now(Stock)
    await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
    await snapshots.snapshot_now(Stock)
    assert [snapshot.damage for snapshot in await snapshots.list(StockView)] == ["", ""]


async def test_parked_events_are_parked_where_it_begins(shop: Shop, tmp_path: Path) -> None:
    await history(shop)
    stock = Stock()
    stock.poison = {9}
    application = Application(shop, stock)
    await application.caught_up()
    parked = await application.synchronizer.dead_letters.list()
    assert parked
    snapshots = application.snapshots(tmp_path / "kept")
    await snapshots.snapshot_now(Stock)
    stock.poison.clear()
    await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
    now = await application.synchronizer.dead_letters.list()
    assert [(e.offset, e.error, e.key, e.attempts) for e in now] == [
        (e.offset, e.error, e.key, e.attempts) for e in parked
    ]
    await application.synchronizer.start()
    await application.synchronizer.dead_letters.retry(Stock)
    await until(shop, application.synchronizer.dead_letters.list, [])
    await application.synchronizer.stop()
    assert sum((await shop.events_seen()).values()) == 60


async def test_it_is_of_one_moment_while_others_write(shop: Shop, tmp_path: Path) -> None:
    """Rows and checkpoints agree: every event below the checkpoints, and no other, has had its effect."""
    await history(shop)
    application = Application(shop)
    snapshots = application.snapshots(tmp_path / "kept", keep=100)
    await application.synchronizer.start()
    await application.synchronizer.caught_up()

    async def write() -> None:
        for number in range(200):
            await shop.append(f"item-{number % 50}", Added(units=1), Removed(units=1))

    writing = asyncio.create_task(write())
    taken = 0
    while not writing.done() or taken < 3:
        await snapshots.snapshot_now(Stock)
        taken += 1
    await writing
    await application.synchronizer.stop()
    files = list((tmp_path / "kept").glob("*.snapshot"))
    assert len(files) == taken
    for path in files:
        events, effects = await asyncio.to_thread(_agreement, path)
        assert effects == events


def _agreement(path: Path) -> tuple[int, int]:
    """Events below the checkpoints, and how many the rows have seen."""
    with path.open("rb") as file:
        contents = SnapshotContents(file)
        rows = [row for part in contents if isinstance(part, SnapshotRows) for row in part.rows]
    return contents.header.events, sum([cast("int", row[2]) for row in rows])


async def test_one_is_taken_every_so_many_events(shop: Shop, tmp_path: Path) -> None:
    application = Application(shop)
    snapshots = application.snapshots(tmp_path / "kept", snapshot_interval=20, keep=9)

    async def taken() -> list[int]:
        return [snapshot.header.events for snapshot in await snapshots.list() if snapshot.header is not None]

    async with snapshots:
        await history(shop, 9)
        await application.caught_up()
        await snapshots.start()  # again, which changes nothing
        assert await taken() == []
        await history(shop, 1)
        await application.caught_up()
        await until(shop, taken, [20])
        await history(shop, 25)
        await application.caught_up()
        await until(shop, lambda: _misses(snapshots, fewer_than=20, of=70), True)
    await snapshots.stop()


async def _misses(snapshots: ReadModelSnapshotManager, *, fewer_than: int, of: int) -> bool:
    """Whether the newest has all but so many events: it may be of a moment before the last ones."""
    newest = (await snapshots.list(Stock))[0].header
    return newest is not None and of - newest.events < fewer_than


async def test_the_newest_usable_ones_are_kept(shop: Shop, tmp_path: Path) -> None:
    application = Application(shop)
    snapshots = application.snapshots(tmp_path / "kept", keep=2)
    taken: list[Path] = []
    for _ in range(4):
        await history(shop, 1)
        await application.caught_up()
        taken.append(await snapshots.snapshot_now("shop_stock"))
    assert [snapshot.path for snapshot in await snapshots.list(Stock)] == taken[:1:-1]
    taken[3].write_bytes(b"damaged")
    partial = tmp_path / "kept" / f"{taken[0].name}.1234{'.partial'}"
    partial.write_bytes(b"of a process that died")
    assert await snapshots.prune() == [partial]  # two are spared, and one of them may be of use
    await history(shop, 1)
    await application.caught_up()
    newest = await snapshots.snapshot_now(Stock)
    assert [snapshot.path for snapshot in await snapshots.list()] == [newest, taken[3], taken[2]]


async def test_one_process_at_a_time(shop: Shop, tmp_path: Path) -> None:
    await history(shop)
    application = Application(shop)
    await application.caught_up()
    snapshots = application.snapshots(tmp_path / "kept")
    held = await shop.engine.leases.acquire("snapshots", "another process", 15)
    assert held is not None
    assert await snapshots.prune() == []
    taking = asyncio.create_task(snapshots.snapshot_now(Stock))
    await shop.append("item-1", Added(units=1))
    assert await snapshots.list() == []
    await shop.engine.leases.release(held)
    await taking
    assert len(await snapshots.list()) == 1


async def test_what_cannot_be_asked(shop: Shop, tmp_path: Path) -> None:
    application = Application(shop)
    with pytest.raises(RebuildRefused, match="needs a ReadModelSnapshotManager"):
        await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
    snapshots = application.snapshots(tmp_path / "kept")
    with pytest.raises(UnknownName):
        await snapshots.snapshot_now("users")


async def test_without_any_a_rebuild_begins_at_zero(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await history(shop)
    stock = Stock()
    application = Application(shop, stock)
    application.snapshots(tmp_path / "kept")
    with caplog.at_level(logging.WARNING):
        await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
    assert len(stock.seen) == 30
    assert "begins at zero" in caplog.text
    assert not (tmp_path / "kept").exists()


async def test_an_application_and_its_snapshots(tmp_path: Path) -> None:
    async with application(on_file(tmp_path), Balances()) as cqrs:
        for number in range(9):
            await write(cqrs, f"a{number % 2}", Deposited(amount=number))
        await cqrs.synchronizer.caught_up()
        async with ReadModelSnapshotManager(cqrs, directory=tmp_path, snapshot_interval=5) as snapshots:
            taken = await snapshots.snapshot_now(Balances)
            assert taken in [snapshot.path for snapshot in await snapshots.list(AccountView)]
            before = await rows(cqrs)
            await cqrs.synchronizer.rebuild_read_model(Balances, from_snapshot=True)
            assert await rows(cqrs) == before == {"a0": ("", 20, 5), "a1": ("", 16, 4)}

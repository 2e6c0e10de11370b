"""A snapshot that is damaged, or of anything else than this code on this log, is never begun from, and it is said."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import msgspec
import pytest

from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import BadDeclaration, MissingExtra, SnapshotUnusable
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import Engine
from headwater.ports.projection_store import Reset
from headwater.projections.handler import ProjectionHandler
from headwater.projections.snapshotting import ReadModelSnapshotManager
from headwater.projections.snapshotting_fit import misfit
from headwater.read_models.snapshots_reading import examined
from headwater.read_models.views import Views
from tests.projections.shop import Added, Shop, Stock, StockView
from tests.projections.snapshots import Application, hash_of, history, only

pytestmark = pytest.mark.transactional


async def kept(shop: Shop, folder: Path, **options: Any) -> tuple[Application, Path]:
    """An application, and the one snapshot there is of it."""
    await history(shop)
    application = Application(shop)
    snapshots = application.snapshots(folder, **options)
    await application.caught_up()
    return application, await snapshots.snapshot_now(Stock)


# -- damaged ---------------------------------------------------------------------


async def test_a_damaged_one_is_passed_over_for_an_older_one_and_at_last_for_zero(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    application, first = await kept(shop, tmp_path)
    await history(shop, 5)
    await application.caught_up()
    right = await hash_of(shop)
    stock = Stock()
    application = Application(shop, stock)
    second = await application.snapshots(tmp_path).snapshot_now(Stock)
    flip(second)
    await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
    assert len(stock.seen) == 5
    assert await hash_of(shop) == right
    flip(first)
    stock.seen.clear()
    with caplog.at_level(logging.WARNING):
        await application.synchronizer.rebuild_read_model(Stock, from_snapshot=True)
    assert len(stock.seen) == 35
    assert await hash_of(shop) == right
    for path in (first, second):
        assert f"the snapshot {path} is passed over" in caplog.text
    assert "begins at zero" in caplog.text


def flip(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)


# -- of something else -----------------------------------------------------------


class Wider(ReadModel, table="shop_stock"):
    id: Key[str]
    units: int = 0
    events: float = 0


class OtherCode(Stock, name="stock", writes=[StockView]):
    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        await views.add(StockView, e.stream, units=2 * e.data.units, events=1)


class OtherFields(Stock, name="stock", writes=[Wider]): ...


class OtherVersion(Stock, name="stock", version=2): ...


class OtherRanges(Stock, name="stock", key_ranges=3, key=lambda e: e.stream): ...


class OtherName(Stock, name="stocks"): ...


@pytest.mark.parametrize(
    ("handler", "store_id", "why"),
    [
        (OtherCode(), None, "of another code"),
        (OtherVersion(), None, "of another version: 1, and here it is 2"),
        (OtherRanges(), None, "of another key_ranges: 1, and here it is 3"),
        (OtherName(), None, "of another projection: stock"),
        (OtherFields(), None, "declared otherwise"),
        (Stock(), "other", "of another store"),
        (Stock(), None, ""),
    ],
)
async def test_what_else_it_may_be_of(
    shop: Shop, tmp_path: Path, handler: ProjectionHandler, store_id: str | None, why: str
) -> None:
    application, path = await kept(shop, tmp_path)
    header = (await application.snapshots(tmp_path).list())[0].header
    assert header is not None
    (projection,) = Application(shop, handler).synchronizer.projections.values()
    found = await misfit(header, projection, shop.parts, store_id or shop.identity.store_id)
    assert why in found
    assert bool(found) == bool(why)
    assert path == only(tmp_path)


async def test_after_a_change_of_code_it_begins_at_zero(shop: Shop, tmp_path: Path) -> None:
    await kept(shop, tmp_path)
    application = Application(shop, OtherCode())
    snapshots = application.snapshots(tmp_path)
    with pytest.raises(SnapshotUnusable, match="begun by other code"):
        await snapshots.snapshot_now(OtherCode)  # its rows are still those of the code before
    await application.synchronizer.rebuild_read_model(OtherCode, from_snapshot=True)
    assert (await shop.stock())["item-1"] == 2 * (1 + 8 + 15 + 22 + 29) - 5
    await snapshots.snapshot_now(OtherCode)


async def test_a_log_of_another_history(shop: Shop, tmp_path: Path) -> None:
    """A restored backup lacks the last events, and others have come in their place."""
    application, _ = await kept(shop, tmp_path)
    (snapshot,) = await application.snapshots(tmp_path).list()
    header, projection = snapshot.header, application.synchronizer.projections["stock"]
    assert header is not None
    marks = header.landmarks

    async def found(**changed: Any) -> str:
        first = next(number for number, mark in enumerate(marks) if mark.offset)
        others = [*marks]
        others[first] = msgspec.structs.replace(marks[first], **changed)
        other = msgspec.structs.replace(header, landmarks=tuple(others))
        return await misfit(other, projection, shop.parts, shop.identity.store_id)

    assert await found() == ""
    assert "ahead of the log" in await found(offset=1_000)
    assert "another event" in await found(event_id=bytes(16))
    assert "another event" in await found(offset=1)
    assert "lacks checkpoints" in await found(key_range=1)
    other = msgspec.structs.replace(header, partitions=9)
    assert "number of partitions" in await misfit(other, projection, shop.parts, shop.identity.store_id)
    empty = msgspec.structs.replace(header, landmarks=tuple([msgspec.structs.replace(m, offset=0) for m in marks]))
    assert "no event" in await misfit(empty, projection, shop.parts, shop.identity.store_id)


# -- what cannot be made ---------------------------------------------------------


async def test_an_engine_that_cannot_export(shop: Shop, tmp_path: Path) -> None:
    application = Application(shop)
    application.engine = cast("Engine", SimpleNamespace(name="lesser"))
    with pytest.raises(
        BadDeclaration, match=r"the engine 'lesser' cannot read all rows as of one moment.* sqlite does"
    ):
        application.snapshots(tmp_path)


@pytest.mark.parametrize("options", [{"snapshot_interval": 0}, {"snapshot_interval": True}, {"keep": 0}])
async def test_numbers_that_are_none(shop: Shop, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(BadDeclaration, match="is a whole number from 1"):
        Application(shop).snapshots(tmp_path, **options)


async def test_compression_that_is_not_installed(shop: Shop, tmp_path: Path) -> None:
    application, path = await kept(shop, tmp_path)
    with mock.patch.dict("sys.modules", {"zstandard": None}):
        with pytest.raises(MissingExtra, match=r"pip install 'headwater\[zstd\]', or say compression_enabled=False"):
            ReadModelSnapshotManager(application, directory=tmp_path)
        assert await application.snapshots(tmp_path, compression_enabled=False).list()
        assert "pip install 'headwater[zstd]'" in (await asyncio.to_thread(examined, path)).damage


async def test_after_a_reset_the_next_one_is_due_as_many_events_later(shop: Shop, tmp_path: Path) -> None:
    _, path = await kept(shop, tmp_path)
    reset = Reset(projection="stock", generation=0, epoch=50, models=[StockView])
    await shop.engine.projections.reset(reset)
    application = Application(shop)
    snapshots = application.snapshots(tmp_path, snapshot_interval=10)
    projection = application.synchronizer.projections["stock"]
    (served,) = await shop.engine.generations.all()
    assert not await snapshots._is_due(projection, served)
    await application.caught_up()
    assert await snapshots._is_due(projection, served)
    assert path.exists()

"""Read models belong to a log: with another one, or as a log of their own, their store is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headwater import CQRSManager, inline
from headwater.errors import BadDeclaration, StoreMismatch, StoreUnavailable
from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions
from tests.projections.mail import Post, Quiet
from tests.projections.shop import StockView
from tests.split.conftest import Stores, on_files
from tests.split.shop import add, shop, stock, units


@on_files
async def test_the_read_models_of_one_log_are_not_those_of_another(stores: Stores, tmp_path: Path) -> None:
    log, views = stores
    async with shop(log, views) as cqrs:
        await add(cqrs, 9)
        await cqrs.synchronizer.caught_up()
    other = f"sqlite:///{tmp_path}/other.db"
    with pytest.raises(StoreMismatch, match=cqrs.store_id):
        await shop(other, views).initialize()
    async with shop(log, views) as cqrs:
        assert await stock(cqrs) == units(9)
    async with shop(other, f"sqlite:///{tmp_path}/others.db") as cqrs:  # it was bound to nothing by what was refused
        await add(cqrs, 3)


@on_files
async def test_a_store_of_read_models_is_no_log(stores: Stores, tmp_path: Path) -> None:
    log, views = stores
    async with shop(log, views) as cqrs:
        await add(cqrs, 9)
        await cqrs.synchronizer.caught_up()
    with pytest.raises(StoreMismatch, match=cqrs.store_id):
        await CQRSManager(views, projections=[Quiet(Post())]).initialize()
    fresh = f"sqlite:///{tmp_path}/fresh.db"
    with pytest.raises(StoreMismatch, match=cqrs.store_id):
        await shop(views, fresh).initialize()
    async with shop(log, views) as cqrs:
        assert await stock(cqrs) == units(9)
    async with CQRSManager(fresh, projections=[Quiet(Post())]):
        pass  # bound to nothing, either


@on_files
async def test_a_store_that_has_a_log_of_its_own_is_refused(stores: Stores, tmp_path: Path) -> None:
    log, _ = stores
    used = f"sqlite:///{tmp_path}/used.db"
    async with CQRSManager(used, projections=[Quiet(Post())]):
        pass
    with pytest.raises(StoreMismatch):
        await shop(log, used).initialize()
    async with CQRSManager(used, projections=[Quiet(Post())]):
        pass


@on_files
async def test_a_log_without_the_read_models_it_had_elsewhere_makes_them_anew(stores: Stores) -> None:
    """Whoever forgets read_url= is served what the log says, and the other store is as it was."""
    log, views = stores
    async with shop(log, views) as cqrs:
        await add(cqrs, 9)
        await cqrs.synchronizer.caught_up()
    async with CQRSManager(log, projections=[Quiet(Post())]) as alone:
        await alone.synchronizer.caught_up()
        assert {row.id: (row.units, row.events) for row in await alone.read_models.find(StockView)} == units(9)
    async with shop(log, views) as cqrs:
        await add(cqrs, 9)
        await cqrs.synchronizer.caught_up()
        assert await stock(cqrs) == units(18)


@on_files
async def test_what_runs_inline_is_refused_before_anything_is_opened(
    stores: Stores, tmp_path: Path, url_of: Callable[[str], str]
) -> None:
    log, views = stores
    with pytest.raises(BadDeclaration, match=r"Quiet is to run inline, and sqlite with read models in .* without"):
        await shop(log, views, inline(Quiet(Post()))).initialize()
    assert list(tmp_path.iterdir()) == []
    engine = open_engine(views, EngineOptions(create=False))
    with pytest.raises(StoreUnavailable):
        await engine.open()


@on_files
async def test_a_second_store_that_is_not_there_leaves_the_first_closed(stores: Stores, tmp_path: Path) -> None:
    log, _ = stores
    for nowhere in (f"sqlite:///{tmp_path}/no/such/folder/x.db", "postgresql://nobody@127.0.0.1:1/x?connect_timeout=1"):
        cqrs = shop(log, nowhere)
        with pytest.raises(StoreUnavailable):
            await cqrs.initialize()
        assert not list(tmp_path.glob("*-wal"))

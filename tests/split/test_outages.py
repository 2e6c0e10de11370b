"""The store of the read models goes away, or comes back as it was before: commands go on, and nothing is parked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headwater import CQRSManager
from headwater.engines.sqlite import open_engine
from headwater.errors import CheckpointAheadOfLog, StoreError
from headwater.ports.engine import EngineOptions
from tests.faults.proxy import Mode, Proxy, a_proxy
from tests.projections.mail import Mailing, Post
from tests.projections.shop import StockView
from tests.split.shop import add, once_it_is, shop, stock, units


@pytest.fixture
async def proxy(postgres: str) -> AsyncIterator[Proxy]:
    async with a_proxy(postgres) as proxy:
        yield proxy


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.HANG], ids=["refuses", "hangs"])
async def test_a_server_that_cannot_be_reached(tmp_path: Path, postgres: str, proxy: Proxy, mode: Mode) -> None:
    post = Post()
    views = proxy.before(f"{postgres}&connect_timeout=2&statement_timeout=2&deadline=2")
    async with shop(f"sqlite:///{tmp_path}/log.db", views, Mailing(post)) as cqrs:
        await add(cqrs, 9)
        await cqrs.synchronizer.caught_up()
        proxy.become(mode)
        proxy.cut()
        await add(cqrs, 21)
        with pytest.raises(StoreError):
            await stock(cqrs)
        proxy.become(Mode.PASS)
        await caught_up_and_well(cqrs, 30)
    assert sum(post.counts.values()) == 30


async def test_a_file_that_is_taken_away(tmp_path: Path) -> None:
    post, file, aside = Post(), tmp_path / "views.db", tmp_path / "aside"
    async with shop(f"sqlite:///{tmp_path}/log.db", f"sqlite:///{file}", Mailing(post)) as cqrs:
        await add(cqrs, 9)
        await cqrs.synchronizer.caught_up()
        await asyncio.to_thread(file.rename, aside)
        await add(cqrs, 21)
        await once_it_is(cqrs, lambda: cannot_write(cqrs))
        await asyncio.to_thread(aside.rename, file)
        await caught_up_and_well(cqrs, 30)
    assert sum(post.counts.values()) == 30


async def cannot_write(cqrs: CQRSManager) -> bool:
    try:
        await cqrs.engine.projections.write([])
    except StoreError:
        return True
    return False


async def caught_up_and_well(cqrs: CQRSManager, events: int) -> None:
    """Everything handled once, nothing parked, no trouble left."""
    await once_it_is(cqrs, lambda: has_caught_up(cqrs))
    assert sum(handled for _, handled in (await stock(cqrs)).values()) == events
    assert list(await cqrs.engine.parking.parked()) == []
    await once_it_is(cqrs, lambda: is_well(cqrs))


async def has_caught_up(cqrs: CQRSManager) -> bool:
    try:
        await cqrs.synchronizer.caught_up()
    except StoreError:
        return False
    return True


async def is_well(cqrs: CQRSManager) -> bool:
    return list(await cqrs.engine.conditions.troubles()) == []


# -- restored --------------------------------------------------------------------


async def copied(file: Path, target: Path) -> None:
    """A backup, made while nobody has the store open."""
    engine = open_engine(f"sqlite:///{file}", EngineOptions())
    await engine.open()
    async for _ in engine.backup(target):
        pass
    await engine.close()


def restored(file: Path, backup: Path) -> None:
    for there in file.parent.glob(f"{file.name}*"):
        there.unlink()
    backup.rename(file)


@pytest.fixture
async def files(tmp_path: Path) -> tuple[Path, Path]:
    """A log of 20 events and its read models, each with a backup `.kept` of when it had 9."""
    log, views = tmp_path / "log.db", tmp_path / "views.db"
    for count in (9, 11):
        async with shop(f"sqlite:///{log}", f"sqlite:///{views}") as cqrs:
            await add(cqrs, count, items=1)
            await cqrs.synchronizer.caught_up()
        if count == 9:
            await copied(log, log.with_suffix(".kept"))
            await copied(views, views.with_suffix(".kept"))
    return log, views


async def test_read_models_that_are_restored_go_on_from_there(files: tuple[Path, Path]) -> None:
    log, views = files
    await asyncio.to_thread(restored, views, views.with_suffix(".kept"))
    post = Post()
    async with shop(f"sqlite:///{log}", f"sqlite:///{views}", Mailing(post)) as cqrs:
        await cqrs.synchronizer.caught_up()
        assert await stock(cqrs) == units(20, items=1)
    assert post.versions("item-0") == list(range(10, 21))


async def test_read_models_ahead_of_a_restored_log_are_refused_until_they_are_rebuilt(files: tuple[Path, Path]) -> None:
    log, views = files
    await asyncio.to_thread(restored, log, log.with_suffix(".kept"))
    urls = f"sqlite:///{log}", f"sqlite:///{views}"
    with pytest.raises(CheckpointAheadOfLog, match="up to 20, but the log ends at 9"):
        await shop(*urls).initialize()
    cqrs = shop(*urls)
    await cqrs.initialize(run_projections=False)
    await add(cqrs, 1, items=1)
    assert await stock(cqrs) == units(20, items=1)
    [result] = await cqrs.consistency.run_checks(["checkpoints"], repair=False)
    assert result.outcome == "inconsistent"
    await cqrs.synchronizer.rebuild_read_model(StockView)
    assert await stock(cqrs) == units(10, items=1)
    assert list(await cqrs.engine.parking.parked()) == []
    await cqrs.close()
    async with shop(*urls) as cqrs:
        await add(cqrs, 1, items=1)
        await cqrs.synchronizer.caught_up()
        assert await stock(cqrs) == units(11, items=1)

"""An application of two stores, from the command to what is seen of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from headwater import CQRSManager, ReadModelSnapshotManager
from headwater.domain.event import Recorded
from headwater.domain.on import on
from headwater.errors import ViewParked
from headwater.models.changes import Update
from headwater.read_models.views import Views
from headwater.split import SplitEngine
from tests.projections.mail import Mailing, Post
from tests.projections.shop import Added, StockView
from tests.split.conftest import Stores
from tests.split.shop import Add, GetStock, add, once_it_is, shop, stock, units

POISON = 13


async def test_what_a_command_did_is_seen(stores: Stores) -> None:
    post = Post()
    async with shop(*stores, Mailing(post)) as cqrs:
        for number in range(1, 6):
            waited = await cqrs.commands.execute(Add(id="a", units=1), wait_for=[Mailing])
            assert await cqrs.queries.execute(GetStock(id="a")) == 2 * number - 1
            sent = await cqrs.commands.execute(Add(id="a", units=1))
            assert await cqrs.queries.execute(GetStock(id="a"), at_least=sent.token) == 2 * number
            assert await cqrs.queries.execute(GetStock(id="a"), at_least=cqrs.sign(waited.token)) == 2 * number
        await cqrs.synchronizer.caught_up()
        assert await stock(cqrs) == {"item-a": (10, 10)}
        assert isinstance(cqrs.engine, SplitEngine)
        log, views = cqrs.engine.stores
        assert await log.projections.checkpoints() == []
        assert await views.admin.streams() == []
    assert post.versions("item-a") == list(range(1, 11))


async def test_it_is_rebuilt_while_commands_go_on(stores: Stores) -> None:
    post = Post()
    async with shop(*stores, Mailing(post), batch_size=7) as cqrs:
        await add(cqrs, 30)
        writing = asyncio.create_task(add(cqrs, 60))
        await cqrs.synchronizer.rebuild_read_model(StockView, batch_size=5)
        await writing
        await cqrs.synchronizer.caught_up()
        assert await stock(cqrs) == units(90)
        [now] = [each for each in await cqrs.engine.generations.all("mailing") if each.state == "serving"]
        assert now.number == 1
    assert post.counts == {item: events for item, (events, _) in units(90).items()}


async def test_a_bad_event_is_parked_with_its_key_and_retried(stores: Stores) -> None:
    post = Post()
    mailing = Mailing(post, {POISON})
    async with shop(*stores, mailing) as cqrs:
        bad = await cqrs.commands.execute(Add(id="0", units=POISON))
        await add(cqrs, 30)
        await cqrs.synchronizer.caught_up()
        assert await stock(cqrs) == {item: row for item, row in units(30).items() if item != "item-0"}
        kept = await cqrs.synchronizer.dead_letters.list()
        assert [event.key for event in kept] == ["item-0"] * 11
        assert [event.error is None for event in kept] == [False] + [True] * 10
        with pytest.raises(ViewParked, match="13 units"):
            await cqrs.queries.execute(GetStock(id="0"), at_least=bad.token)
        mailing.poison.clear()
        await cqrs.synchronizer.dead_letters.retry(Mailing)
        await cqrs.synchronizer.caught_up()
        assert await stock(cqrs) == units(30) | {"item-0": (10 + POISON, 11)}
        assert list(await cqrs.engine.parking.parked()) == []
    assert post.counts == {"item-0": 11, "item-1": 10, "item-2": 10}


async def test_it_is_paused_and_resumed(stores: Stores) -> None:
    async with shop(*stores) as cqrs:
        await add(cqrs, 10)
        await cqrs.synchronizer.caught_up()
        await cqrs.synchronizer.pause(Mailing, reason="a look at it")
        await once_it_is(cqrs, lambda: nobody_runs_it(cqrs))
        await add(cqrs, 20)
        assert await stock(cqrs) == units(10)
        await cqrs.synchronizer.resume(Mailing)
        await cqrs.synchronizer.caught_up()
        assert sum(events for _, events in (await stock(cqrs)).values()) == 30


async def nobody_runs_it(cqrs: CQRSManager) -> bool:
    return not [lease for lease in await cqrs.engine.leases.holders() if lease.name.startswith("projection:mailing")]


async def test_checks_look_at_both_stores(stores: Stores) -> None:
    async with shop(*stores) as cqrs:
        await add(cqrs, 30)
        await cqrs.synchronizer.caught_up()
        results = {result.name: result for result in await cqrs.consistency.run_checks()}
        assert {result.outcome for result in results.values()} == {"ok"}, results
        assert results["stream_heads"].looked_at >= 3
        assert results["checkpoints"].looked_at >= 1
        assert results["rows_mailing"].looked_at == 3
        await cqrs.engine.projections.write([Update(StockView, "item-1", {"units": 99})])
        [wrong] = await cqrs.consistency.run_checks(["rows_mailing"], repair=False)
        assert (wrong.outcome, wrong.found) == ("inconsistent", 1)


async def test_reset_it_has_the_checkpoints_of_its_log_and_no_other(stores: Stores) -> None:
    async with shop(*stores) as cqrs:
        await add(cqrs, 30)
        await cqrs.synchronizer.reset(Mailing)
        await cqrs.synchronizer.caught_up()
        assert await stock(cqrs) == units(30)
        kept = await cqrs.engine.projections.checkpoints()
        assert [each.place.partition for each in kept] == list(range(cqrs.engine.log.partitions))
        [result] = await cqrs.consistency.run_checks(["checkpoints"])
        assert (result.outcome, result.found) == ("ok", 0)


class Counted(Mailing, name="mailing"):
    """Knows how many events it has handled."""

    handled = 0

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        self.handled += 1
        await views.add(StockView, e.stream, units=e.data.units, events=1)


@pytest.mark.parametrize("reset", [False, True], ids=["", "after a reset"])
async def test_snapshots_are_taken_and_begun_from(stores: Stores, tmp_path: Path, reset: bool) -> None:
    mailing = Counted(Post())
    cqrs = shop(*stores, mailing)
    snapshots = ReadModelSnapshotManager(cqrs, directory=tmp_path / "kept", snapshot_interval=1_000_000)
    async with cqrs:
        await add(cqrs, 30)
        if reset:
            await cqrs.synchronizer.reset(Counted)
        await cqrs.synchronizer.caught_up()
        await snapshots.snapshot_now(Counted)
        [kept] = await snapshots.list(Counted)
        assert kept.damage == ""
        assert kept.header is not None
        await add(cqrs, 60)
        await cqrs.synchronizer.caught_up()
        mailing.handled = 0
        await cqrs.synchronizer.rebuild_read_model(Counted, from_snapshot=True)
        assert mailing.handled == 60
        assert await stock(cqrs) == units(90)

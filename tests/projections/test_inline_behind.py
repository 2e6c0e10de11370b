"""Inline projections that are behind: the runner brings them on, and what appends have done is never done twice."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.manager import CQRSManager
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.projections.lifecycle import inline
from headwater.projections.parts import RunnerOptions
from tests.architecture.modules import ROOT
from tests.projections.accounts import (
    Account,
    AccountView,
    Balances,
    Deposited,
    Owners,
    application,
    deposits,
    head,
    on_file,
    rows,
    write,
    write_as,
)
from tests.projections.shop import Noted, no_sleep
from tests.stores import ENGINES

pytestmark = pytest.mark.transactional


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Engine:
    return open_engine(url_of(request.param), EngineOptions())


async def test_one_with_a_history_behind_it_is_brought_on_and_then_runs_inline(engine: Engine) -> None:
    async with application(engine, inline(Balances()), run=False) as cqrs:
        for number in range(20):
            await write_as(cqrs, f"account-a{number % 3}", None, Deposited(amount=1))
        await write(cqrs, "a0", Deposited(amount=1))
        assert await rows(cqrs) == {}, "it stands at the start, and is passed by"
        await cqrs.synchronizer.start()
        await cqrs.synchronizer.caught_up()
        await cqrs.synchronizer.stop()
        assert await rows(cqrs) == {"a0": ("", 8, 8), "a1": ("", 7, 7), "a2": ("", 6, 6)}
        await write(cqrs, "a1", Deposited(amount=5))
        assert (await rows(cqrs))["a1"] == ("", 12, 8)


async def test_appends_and_the_runner_together_count_each_event_once(engine: Engine) -> None:
    async with application(engine, inline(Balances()), inline(Owners())) as cqrs:

        async def many(id: str) -> None:
            for number in range(30):
                await write(cqrs, id, Deposited(amount=1))
                if number % 7 == 0:
                    await write_as(cqrs, f"account-{id}-else", None, Deposited(amount=1))

        await asyncio.gather(*(many(f"a{number}") for number in range(5)))
        await cqrs.synchronizer.caught_up()
        found = await rows(cqrs)
        assert {id: found[id] for id in ("a0", "a4", "a4-else")} == {
            "a0": ("", 30, 30),
            "a4": ("", 30, 30),
            "a4-else": ("", 5, 5),
        }
        assert await deposits(cqrs) == await head(cqrs) == 175


async def test_while_a_key_is_parked_the_runner_goes_on_alone(tmp_path: Path) -> None:
    fold = Balances()
    fold.poison = {13}
    async with application(on_file(tmp_path), inline(fold)) as cqrs:
        await write_as(cqrs, "account-a1", None, Deposited(amount=13))
        await cqrs.synchronizer.caught_up()
        await write(cqrs, "a2", Deposited(amount=1))
        await write(cqrs, "a2", Deposited(amount=13))  # parked, where an inline one would refuse it
        await cqrs.synchronizer.caught_up()
        assert await rows(cqrs) == {"a2": ("", 1, 1)}
        fold.poison = set()
        await cqrs.synchronizer.dead_letters.retry("balances")
        await cqrs.synchronizer.caught_up()
        await cqrs.synchronizer.stop()
        await write(cqrs, "a1", Deposited(amount=2))
        assert await rows(cqrs) == {"a1": ("", 15, 2), "a2": ("", 14, 2)}


async def test_a_rebuild_beside_it_misses_nothing(engine: Engine) -> None:
    async with application(engine, inline(Balances())) as cqrs:
        for number in range(10):
            await write(cqrs, f"a{number % 3}", Deposited(amount=1))
        more = 5
        async for _ in cqrs.synchronizer.rebuild_read_model(Balances, batch_size=2):
            more -= 1
            if more > 0:
                await write(cqrs, "a0", Deposited(amount=10))
        await write(cqrs, "a1", Deposited(amount=1))
        await cqrs.synchronizer.caught_up()
        stored = await rows(cqrs)
        for id, row in stored.items():
            account = await cqrs.repository(Account).load(id)
            assert row == ("", account.balance, account.version)


async def test_what_it_passes_by_is_stored_at_once(engine: Engine) -> None:
    options = RunnerOptions(sleep=no_sleep, save_seconds=1_000)
    async with CQRSManager(engine, projections=[inline(Balances())], events=[Noted], runner=options) as cqrs:
        await write_as(cqrs, "item-1", None, Noted())
        await cqrs.synchronizer.caught_up()
        [kept] = [kept for kept in await cqrs.engine.projections.checkpoints() if kept.offset]
        assert kept.offset == 1


# -- another lifecycle, another version --------------------------------------------


async def test_the_same_class_async_then_inline_then_async_on_one_store(tmp_path: Path) -> None:
    lifecycles: list[Callable[[Balances], Balances]] = [_async, inline, _async, inline]
    for round, lifecycle in enumerate(lifecycles, start=1):
        async with application(on_file(tmp_path), lifecycle(Balances())) as cqrs:
            for id in ("a1", "a2", "a1"):
                await write(cqrs, id, Deposited(amount=round))
            await cqrs.synchronizer.caught_up()
            total = sum(range(1, round + 1))
            assert await rows(cqrs) == {"a1": ("", 2 * total, 2 * round), "a2": ("", total, round)}


async def test_another_version_than_the_one_served_writes_nothing_into_its_rows(engine: Engine) -> None:
    class Doubled(Balances, name="balances", version=2):
        def _with(self, row: AccountView | None, stream: str, owner: str | None, amount: int) -> AccountView:
            return super()._with(row, stream, owner, 2 * amount)

    first = application(engine, inline(Balances()))
    async with first:
        await write(first, "a1", Deposited(amount=1))
        second = application(engine, inline(Doubled()), run=False)
        second._wiring.join_inline(second.synchronizer.projections.values(), None)
        await write(second, "a1", Deposited(amount=1))
        await first.synchronizer.caught_up()
        assert await rows(first) == {"a1": ("", 2, 2)}
        await second.synchronizer.rebuild_read_model(Doubled)
        await write(second, "a1", Deposited(amount=1))
        assert await rows(second) == {"a1": ("", 6, 3)}
        await write(first, "a1", Deposited(amount=1))
        assert await rows(second) == {"a1": ("", 6, 3)}, "the old code has nothing more to say"
        await second.synchronizer.start()
        await second.synchronizer.caught_up()
        await second.synchronizer.stop()
        assert await rows(second) == {"a1": ("", 8, 4)}


# -- killed ------------------------------------------------------------------------


async def test_a_process_that_is_killed_leaves_events_and_rows_that_agree(tmp_path: Path) -> None:
    acknowledged = 0
    for seed in range(5):
        acknowledged += _killed_after(tmp_path, acknowledgements=3 + 4 * seed)
        async with application(on_file(tmp_path), inline(Balances()), run=False) as cqrs:
            found = await rows(cqrs)
            accounts = [await cqrs.repository(Account).get_by_id(id) for id in ("a0", "a1", "a2")]
            assert found == {one.id: ("", one.balance, one.version) for one in accounts if one}
            assert sum(events for _, _, events in found.values()) >= acknowledged


def _async(fold: Balances) -> Balances:
    return fold


def _killed_after(folder: Path, acknowledgements: int) -> int:
    """Have another process append inline, kill it; how many appends it had said were done."""
    command = [sys.executable, "-m", "tests.projections.inline_writer", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        assert writer.stdout is not None
        done = sum(1 for _ in itertools.islice(writer.stdout, acknowledgements))
        writer.kill()
        return done + len(writer.stdout.readlines())


async def test_paused_it_refuses_no_command_and_makes_up_for_them_when_it_is_resumed(engine: Engine) -> None:
    balances = Balances()
    balances.poison = {13}
    async with application(engine, inline(balances)) as cqrs:
        await cqrs.synchronizer.caught_up()
        await cqrs.synchronizer.pause(Balances, reason="it refuses deposits", by="ann")
        await write(cqrs, "a0", Deposited(amount=13))
        await write(cqrs, "a1", Deposited(amount=1))
        assert (balances.steps, balances.refused, await rows(cqrs)) == (0, 0, {})
        balances.poison.clear()
        await cqrs.synchronizer.resume(Balances)
        await cqrs.synchronizer.caught_up()
        assert balances.steps == 2
        await write(cqrs, "a0", Deposited(amount=1))
        await cqrs.synchronizer.caught_up()
        assert balances.steps == 3

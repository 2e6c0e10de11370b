"""Several on one file: they see each other's commits, and hear of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headwater.domain.version import Exact
from headwater.engines.sqlite import SqliteEngine, open_engine
from headwater.errors import WrongExpectedVersion
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, BOB, append_of, log_of
from tests.engines.sqlite.stores import select

LONG = 30.0
"""Seconds: longer than any test may take."""


@pytest.fixture
async def other(engine: SqliteEngine, path: Path) -> AsyncIterator[SqliteEngine]:
    other = open_engine(f"sqlite:///{path}", EngineOptions())
    await other.open()
    yield other
    await other.close()


async def test_it_is_one_store(engine: SqliteEngine, other: SqliteEngine) -> None:
    assert await engine.open() == await other.open()


async def test_each_appends_after_the_other(engine: SqliteEngine, other: SqliteEngine) -> None:
    for version in range(0, 20, 2):
        await engine.events.append(append_of(ANN, 1, Exact(version)))
        await other.events.append(append_of(ANN, 1, Exact(version + 1)))
        with pytest.raises(WrongExpectedVersion):
            await engine.events.append(append_of(ANN, 1, Exact(version + 1)))
        await other.events.append(append_of(BOB))
    assert [event.offset for event in await log_of(engine)] == list(range(30))
    assert await engine.events.count("user") == await other.events.count("user") == 2


async def test_of_two_that_expect_one_version_one_wins(engine: SqliteEngine, other: SqliteEngine) -> None:
    for version in range(20):
        outcomes = await asyncio.gather(
            engine.events.append(append_of(ANN, 1, Exact(version))),
            other.events.append(append_of(ANN, 1, Exact(version))),
            return_exceptions=True,
        )
        assert sorted(isinstance(outcome, WrongExpectedVersion) for outcome in outcomes) == [False, True]


async def test_a_waiter_hears_of_the_others_commit(engine: SqliteEngine, other: SqliteEngine) -> None:
    await engine.events.append(append_of(ANN))
    seen = engine.wakeups.seen()
    waiting = asyncio.ensure_future(engine.wakeups.wait(seen, LONG))
    await other.events.append(append_of(BOB))
    assert await waiting > seen


async def test_a_commit_between_look_and_wait_is_not_missed(engine: SqliteEngine, other: SqliteEngine) -> None:
    await engine.wakeups.wait(engine.wakeups.seen(), 0)
    seen = engine.wakeups.seen()
    await other.events.append(append_of(BOB))
    assert await engine.wakeups.wait(seen, LONG) > seen


async def test_closing_wakes_nobody_for_ever(engine: SqliteEngine) -> None:
    waiting = asyncio.ensure_future(engine.wakeups.wait(engine.wakeups.seen(), LONG))
    await engine.events.head(ANN)
    await engine.close()
    await waiting


async def test_an_engine_that_opens_leaves_the_locks_of_the_others(
    engine: SqliteEngine, other: SqliteEngine, tmp_path: Path
) -> None:
    """Else the next process to leave takes itself for the last one, and the log away with it."""
    await engine.events.append(append_of(ANN))
    assert await select(tmp_path, "SELECT count(*) FROM events") == [(1,)]
    await engine.events.append(append_of(ANN))
    assert len(await log_of(other)) == 2

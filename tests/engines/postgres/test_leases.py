"""Leases of processes whose machines do not agree on the time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from headwater.engines.postgres import open_engine
from headwater.engines.postgres.engine import PostgresEngine
from headwater.ports.clock import SystemClock
from headwater.ports.engine import EngineOptions
from headwater.testing.clock import START, ManualClock
from tests.engines.postgres.stores import opened, select
from tests.engines.servers import fresh_schema

HOUR = 3_600.0


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(partitions="1") as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    async with opened(url) as engine:
        yield engine


async def servers_micros(url: str) -> int:
    ((now,),) = await select(url, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    return cast("int", now)


async def test_a_machine_that_is_ahead_takes_nothing_early(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = await engine.leases.acquire("p/0", "me", HOUR)
    assert mine is not None
    monkeypatch.setattr(SystemClock, "micros", lambda _: mine.expires_at + 1)
    assert await engine.leases.acquire("p/0", "you", HOUR) is None
    assert await engine.leases.holders() == [mine]
    await engine.leases.back_off(mine, HOUR)
    monkeypatch.setattr(SystemClock, "micros", lambda _: mine.expires_at * 2)
    assert await engine.leases.acquire("p/0", "you", HOUR) is None


async def test_a_machine_that_is_behind_holds_nothing_longer(
    engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemClock, "micros", lambda _: START)
    before = await servers_micros(url)
    lease = await engine.leases.acquire("p/0", "me", HOUR)
    assert lease is not None
    assert before <= lease.expires_at - HOUR * 1_000_000 <= await servers_micros(url)


async def test_a_clock_that_is_handed_in_goes_before_the_servers(url: str) -> None:
    engine = open_engine(url, EngineOptions(clock=ManualClock()))
    await engine.open()
    lease = await engine.leases.acquire("p/0", "me", HOUR)
    await engine.close()
    assert lease is not None
    assert lease.expires_at == START + HOUR * 1_000_000

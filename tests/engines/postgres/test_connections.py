"""Connections that are cut, that hang, and whose calls are cancelled: what was told is true, and nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from itertools import count
from typing import cast
from urllib.parse import urlencode

import asyncpg
import pytest

from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, Exact
from headwater.engines.postgres import open_engine
from headwater.engines.postgres.connection import Connection, begun
from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import AppendOutcomeUnknown, StoreUnavailable
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import append_of
from tests.engines.postgres.interrupted import Interrupted
from tests.engines.postgres.stores import opened
from tests.engines.servers import fresh_schema
from tests.faults.proxy import Mode, Proxy, a_proxy

STREAM = StreamId("user", "a")
PATIENCE = 60.0
"""Seconds that nothing here takes, unless it hangs."""
SHORT = {"pool": "3", "connect_timeout": "0.5", "deadline": "1", "statement_timeout": "0.5"}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A store that is there: to make one takes longer than anybody waits here."""
    async with fresh_schema(partitions="2") as url:
        async with opened(url):
            pass
        yield f"{url}&{urlencode(SHORT)}"


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    async with a_proxy(url) as proxy:
        yield proxy


@pytest.fixture
async def engine(url: str, proxy: Proxy) -> AsyncIterator[PostgresEngine]:
    """Reaches its server through the proxy."""
    engine = open_engine(proxy.before(url), EngineOptions())
    await engine.open()
    yield engine
    proxy.become(Mode.PASS)
    async with asyncio.timeout(PATIENCE):
        await engine.close()


async def test_a_commit_whose_reply_is_lost_is_found_without_a_command_id(engine: PostgresEngine, proxy: Proxy) -> None:
    appending = asyncio.create_task(engine.events.append(append_of(STREAM, 1, Exact(0))))
    await proxy.swallow_one()
    assert (await appending).writes[0].last == 1
    assert await engine.events.head(STREAM) == 1


async def test_a_commit_whose_reply_is_lost_is_unknown_where_nobody_can_look(
    engine: PostgresEngine, proxy: Proxy, url: str
) -> None:
    appending = asyncio.create_task(engine.events.append(append_of(STREAM, 1, Exact(0))))
    await proxy.swallow_one(then=Mode.REFUSE)
    with pytest.raises(AppendOutcomeUnknown):
        await appending
    proxy.become(Mode.PASS)
    assert await engine.events.head(STREAM) == 1


async def test_a_server_that_says_nothing_keeps_nobody_for_ever(engine: PostgresEngine, proxy: Proxy) -> None:
    await engine.events.append(append_of(STREAM, 1, Exact(0)))
    proxy.become(Mode.HANG)
    async with asyncio.timeout(PATIENCE):
        for call in (
            engine.events.append(append_of(STREAM, 1, Exact(1))),
            engine.events.load(STREAM),
            engine.log.head(0),
            engine.projections.checkpoints(),
            engine.leases.holders(),
        ):
            with pytest.raises(StoreUnavailable):
                await call
    proxy.become(Mode.PASS)
    assert (await engine.events.append(append_of(STREAM, 1, Exact(1)))).writes[0].last == 2


async def test_a_server_that_says_nothing_can_be_left(engine: PostgresEngine, proxy: Proxy) -> None:
    waiting = asyncio.create_task(engine.wakeups.wait(engine.wakeups.seen(), PATIENCE))
    proxy.become(Mode.HANG)
    async with asyncio.timeout(PATIENCE):
        await engine.close()
        await waiting


async def test_whoever_waits_is_told_of_commits_after_a_listener_hung(
    engine: PostgresEngine, proxy: Proxy, url: str
) -> None:
    """Its connection is dead without a word: another takes its place."""
    other = open_engine(url, EngineOptions())
    await other.open()
    proxy.become(Mode.HANG)
    async with asyncio.timeout(PATIENCE):  # until the listener gives its connection up
        before = engine._wakeups.others()
        while engine._wakeups.others() == before:
            await engine.wakeups.wait(engine.wakeups.seen(), PATIENCE)
    proxy.become(Mode.PASS)
    seen = engine.wakeups.seen()
    async with asyncio.timeout(PATIENCE):
        while not (await engine.events.head(STREAM)):
            await other.events.append(append_of(STREAM, 1, AnyVersion()))
            seen = await engine.wakeups.wait(seen, PATIENCE)
    await other.close()


@pytest.mark.parametrize("answered", [False, True], ids=["unanswered", "answered"])
@pytest.mark.parametrize("again", range(4))
async def test_a_cancelled_transaction_leaves_its_connection_out_of_any(
    engine: PostgresEngine, again: int, answered: bool
) -> None:
    """Wherever it is cancelled, and once more while it is rolled back."""
    said: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))

    async def job() -> None:
        async with engine._pool.connection() as connection, begun(connection):
            await connection.fetchval("SELECT 1")

    for place in count():
        interrupted = Interrupted(job(), {place, place + again}, answered=answered)
        await asyncio.wait((asyncio.create_task(_ended(interrupted)),))
        await _check_connections(engine)
        assert not said
        if interrupted.waits <= place:
            break  # it was not cancelled any more
    assert place >= 3  # for BEGIN, SELECT and COMMIT


async def test_a_transaction_whose_connection_is_cut_says_so(engine: PostgresEngine, proxy: Proxy) -> None:
    async def job(connection: Connection) -> None:
        proxy.cut()
        await connection.fetchval("SELECT 1")

    with pytest.raises(StoreUnavailable) as caught:
        await engine._pool.transaction(job)
    assert "released" not in str(caught.value.__cause__)


async def test_a_cancelled_call_is_cancelled_though_its_connection_is_cut(engine: PostgresEngine, proxy: Proxy) -> None:
    hanging, noticed = asyncio.Event(), asyncio.Event()

    async def job(connection: Connection) -> None:
        cast("asyncpg.Connection", connection).add_termination_listener(lambda _: noticed.set())
        proxy.become(Mode.HANG)
        hanging.set()
        try:
            await connection.fetchval("SELECT 1")
        finally:
            proxy.cut()
            await noticed.wait()

    task = asyncio.create_task(engine._pool.transaction(job))
    await hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _ended(job: Awaitable[None]) -> None:
    await job


async def _check_connections(engine: PostgresEngine) -> None:
    """Each of the pool's, beside the one that listens, works and is in no transaction."""
    async with AsyncExitStack() as stack:
        for _ in range(engine.location.pool - 1):
            connection = await stack.enter_async_context(engine._pool.connection())
            assert await connection.fetchval("SELECT 1") == 1
            assert not connection.is_in_transaction()

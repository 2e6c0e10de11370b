"""What became of a group is found out: behind a COMMIT that still runs, and after one that the server gave up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import asyncpg
import pytest

from headwater.domain.append import Append
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact
from headwater.engines.postgres.engine import PostgresEngine
from headwater.engines.postgres.location import Location
from headwater.errors import StoreUnavailable
from headwater.testing.controls import append_of, atomic, command_of
from tests.engines.postgres.standing import behind, standing
from tests.engines.postgres.stores import opened, select
from tests.engines.servers import fresh_schema
from tests.faults.proxy import Proxy, a_proxy

STREAM = StreamId("user", "a")
GATE = 8_601
PATIENT = {"partitions": "2", "lock_timeout": "60", "deadline": "150"}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema(**PATIENT) as url:
        yield url


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    async with a_proxy(url) as proxy:
        yield proxy


@pytest.fixture
async def engine(url: str, proxy: Proxy) -> AsyncIterator[PostgresEngine]:
    """Reaches its server through the proxy."""
    async with opened(proxy.before(url)) as engine:
        yield engine


@asynccontextmanager
async def slow_commits(url: str, table: str) -> AsyncIterator[int]:
    """Until it ends, each COMMIT of rows of a table waits behind a session, whose number this is."""
    schema = Location.parse(url, {}).schema
    gate = f"SELECT pg_advisory_xact_lock({GATE}, hashtext('{schema}'))"
    connection = await asyncpg.connect(Location.parse(url, {}).dsn, server_settings={"search_path": schema})
    await connection.execute(
        f"CREATE FUNCTION {schema}.wait() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_advisory_xact_lock({GATE}, hashtext('{schema}')); RETURN NULL; END $$; "
        f"CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
        f"FOR EACH ROW EXECUTE FUNCTION {schema}.wait()"
    )
    try:
        async with connection.transaction():
            await connection.execute(gate)
            yield cast("int", await connection.fetchval("SELECT pg_backend_pid()"))
    finally:
        await connection.close()


async def test_a_commit_that_still_runs_is_waited_for(engine: PostgresEngine, proxy: Proxy, url: str) -> None:
    """Its connection is cut, so nobody hears of its end: the look waits behind it, and finds it."""
    async with slow_commits(url, "events") as gate:
        appending = asyncio.create_task(engine.events.append(append_of(STREAM, 1, Exact(0))))
        await behind(url, gate)
        (committing,) = await waiting_for(url, gate)
        proxy.cut()
        await behind(url, committing)
    assert (await appending).writes[0].last == 1
    assert await engine.events.head(STREAM) == 1


async def test_a_commit_of_nothing_but_a_command_is_waited_for_too(
    engine: PostgresEngine, proxy: Proxy, url: str
) -> None:
    """It holds no lock of a partition, but the record of its command."""
    async with slow_commits(url, "commands") as gate:
        appending = asyncio.create_task(atomic(engine).append_atomic(Append(writes=(), command=command_of("c"))))
        await behind(url, gate)
        (committing,) = await waiting_for(url, gate)
        proxy.cut()
        await behind(url, committing)
    assert (await appending).writes == ()
    assert await engine.commands.find("c") is not None


@pytest.mark.parametrize("table", ["events", "commands"])
async def test_a_commit_that_the_server_gave_up_is_made_again(
    engine: PostgresEngine, proxy: Proxy, url: str, table: str
) -> None:
    """Nobody hears of that either: the look finds nothing, neither events nor records of commands."""
    writes = append_of(STREAM, 1, Exact(0)).writes if table == "events" else ()
    async with slow_commits(url, table) as gate:
        append = Append(writes=writes, command=command_of("c"))
        appending = asyncio.create_task(atomic(engine).append_atomic(append))
        await behind(url, gate)
        (committing,) = await waiting_for(url, gate)
        proxy.cut()
        await select(url, "SELECT pg_terminate_backend($1)", committing)
    assert (await appending).replayed is None
    assert await engine.commands.find("c") is not None
    assert await engine.events.head(STREAM) == len(writes)


async def waiting_for(url: str, session: int) -> list[int]:
    """The sessions that wait for what this one holds."""
    rows = await select(url, "SELECT pid FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))", session)
    return [cast("int", pid) for (pid,) in rows]


async def test_an_append_that_waits_too_long_gives_up_and_nothing_is_committed(url: str) -> None:
    """Though locks and statements might take longer."""
    async with opened(url) as other, opened(f"{url}&deadline=2&lock_timeout=3.9") as engine:
        async with standing(other, append_of(STREAM)):
            with pytest.raises(StoreUnavailable, match="nothing is committed"):
                await engine.events.append(append_of(STREAM))
        assert await engine.events.head(STREAM) == 1


async def test_a_transaction_that_stands_idle_is_ended_and_tried_again(url: str) -> None:
    """Its process may be frozen: those behind it go on."""
    async with (
        opened(f"{url}&lock_timeout=1") as engine,
        opened(f"{url}&lock_timeout=20") as other,
        standing(engine, append_of(STREAM)) as stands,
    ):
        assert (await other.events.append(append_of(STREAM))).writes[0].last == 1
        stands.go_on()
        appended, _ = await stands.placed
        assert appended.writes[0].last == 2

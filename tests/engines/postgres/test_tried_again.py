"""What is tried again, without a word: statements on tables made anew, and reads whose connection breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from headwater.engines.postgres.connection import Connection, Row
from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import StoreUnavailable
from tests.engines.postgres.stores import opened, select
from tests.engines.servers import fresh_schema
from tests.faults.proxy import Proxy, a_proxy


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema() as url:
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


@pytest.mark.parametrize("columns", ["*", "shelf"], ids=["rows", "values of rows"])
async def test_a_transaction_meets_a_table_made_anew(engine: PostgresEngine, url: str, columns: str) -> None:
    """Every connection has prepared its statements before."""
    await select(url, "CREATE TABLE shelf (name text)")
    question = f"SELECT {columns} FROM {engine.location.schema}.shelf"

    async def job(connection: Connection) -> int:
        rows = await connection.fetch(question)
        return len(rows[0] if columns == "*" else cast("Row", rows[0][0]))

    await select(url, "INSERT INTO shelf VALUES ('a')")
    for width in range(1, 4):
        found = await asyncio.gather(*(engine._pool.transaction(job) for _ in range(5)))
        assert found == [width] * 5
        await select(url, f"ALTER TABLE shelf ADD COLUMN more_{width} text")


@pytest.mark.parametrize("is_locked", [False, True])
async def test_what_only_reads_is_read_again_where_its_connection_breaks(
    engine: PostgresEngine, proxy: Proxy, is_locked: bool
) -> None:
    tries: list[int] = []

    async def read(connection: Connection) -> object:
        tries.append(1)
        if len(tries) == 1:
            proxy.cut()
        return await connection.fetchval("SELECT 8")

    pool = engine._pool
    assert await (pool.read_locked("BEGIN", read) if is_locked else pool.read(read)) == 8
    assert len(tries) == 2


async def test_what_may_have_changed_something_is_not(engine: PostgresEngine, proxy: Proxy) -> None:
    tries: list[int] = []

    async def change(connection: Connection) -> object:
        tries.append(1)
        proxy.cut()
        return await connection.fetchval("SELECT 8")

    with pytest.raises(StoreUnavailable):
        await engine._pool.transaction(change)
    assert len(tries) == 1

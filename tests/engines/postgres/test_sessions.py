"""Sessions: how a connection introduces itself, and what it does not inherit."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from headwater.engines.postgres import open_engine
from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import StoreUnavailable
from headwater.ports.engine import EngineOptions
from tests.engines.postgres.stores import opened
from tests.engines.servers import fresh_schema

TAKEN_BY_POOLERS = {
    "user", "database", "client_encoding", "application_name", "DateStyle", "TimeZone", "standard_conforming_strings",
}  # fmt: skip
"""What PgBouncer lets a client say at the start, in any of its modes; it refuses whoever says more."""


@asynccontextmanager
async def a_listener(said: list[bytes]) -> AsyncIterator[int]:
    """The port of somebody who notes the first message of each client, and hangs up."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!I", await reader.readexactly(4))
        said.append(await reader.readexactly(length - 4))
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield int(server.sockets[0].getsockname()[1])


async def test_a_start_says_nothing_that_a_pooler_of_connections_refuses() -> None:
    said: list[bytes] = []
    async with a_listener(said) as port:
        url = f"postgresql://me@127.0.0.1:{port}/shop?sslmode=disable&synchronous=off&lock_timeout=3"
        with pytest.raises(StoreUnavailable):
            await open_engine(url, EngineOptions()).open()
    names = [name.decode() for name in said[0][4:].rstrip(b"\0").split(b"\0")[::2]]
    assert set(names) <= TAKEN_BY_POOLERS
    assert "application_name" in names


async def settings(engine: PostgresEngine, *names: str) -> list[list[object]]:
    """Of each connection the pool may have, beside the one that listens."""
    query = f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}"
    async with AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(engine._pool.connection()) for _ in range(engine.location.pool - 1)
        ]
        return [list((await connection.fetch(query))[0]) for connection in connections]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["5s", "2500ms", "on", "UTC", "headwater"]),
        ({"lock_timeout": "3", "synchronous": "off"}, ["3s", "1500ms", "off", "UTC", "headwater"]),
    ],
)
async def test_every_session_is_as_the_url_says(options: Mapping[str, str], expected: list[object]) -> None:
    names = "lock_timeout", "idle_in_transaction_session_timeout", "synchronous_commit", "timezone", "application_name"
    async with fresh_schema(pool="4", **options) as url, opened(url) as engine:
        assert await settings(engine, *names) == [expected] * 3

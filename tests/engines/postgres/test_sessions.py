"""Sessions: how a connection introduces itself, and what it does not inherit."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime

import pytest

from headwater.engines.postgres import open_engine
from headwater.engines.postgres.engine import PostgresEngine
from headwater.errors import StoreUnavailable
from headwater.models.model import Key
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, BOB, append_of
from tests.engines.postgres.standing import standing
from tests.engines.postgres.stores import opened, read_model, write
from tests.engines.servers import fresh_database, fresh_schema

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
        ({"lock_timeout": "600", "deadline": "5"}, ["10min", "2500ms", "on", "UTC", "headwater"]),
    ],
)
async def test_every_session_is_as_the_url_says(options: Mapping[str, str], expected: list[object]) -> None:
    names = "lock_timeout", "idle_in_transaction_session_timeout", "synchronous_commit", "timezone", "application_name"
    async with fresh_schema(pool="4", **options) as url, opened(url) as engine:
        assert await settings(engine, *names) == [expected] * 3


async def test_who_stands_still_is_ended_before_those_behind_it_give_up() -> None:
    async with (
        fresh_schema(partitions="1", lock_timeout="600", deadline="5") as url,
        opened(url) as frozen,
        opened(url) as engine,
        standing(frozen, append_of(ANN)),
    ):
        assert (await engine.events.append(append_of(BOB))).writes[0].last == 1


VALUES = {
    "ratio": 0.1 + 0.2,
    "raw": b"\\ \x00\xff",
    "day": date(2026, 2, 1),
    "at": datetime(2026, 2, 1, 12, 30, 15, 123456, tzinfo=UTC),
}
"""By the name of a field."""
ODD = {"extra_float_digits": "0", "bytea_output": "escape", "datestyle": "SQL, DMY", "timezone": "Asia/Kolkata"}


async def test_what_a_database_has_by_default_changes_no_value() -> None:
    few = read_model("odd", {"id": Key[str]})
    many = read_model("odd", {"id": Key[str], **{name: type(value) for name, value in VALUES.items()}}, VALUES)
    async with fresh_database(settings=ODD) as url, opened(url, few) as engine:
        await write(engine, few(id="a"))
        await engine.read_model_schema.ensure([many])
        assert await engine.read_models.get(many, "a") == many(id="a")
        sets = {name: {"$addToSet": f"${name}"} for name in ("ratio", "day", "at")}
        (group,) = await engine.read_models.aggregate(many, parse_pipeline([{"$group": {"_id": None, **sets}}]))
        assert {name: group[name] for name in sets} == {name: [VALUES[name]] for name in sets}


async def test_no_statement_is_compiled() -> None:
    async with fresh_database(settings={"jit": "on"}) as url, opened(url) as engine:
        assert await engine._pool.value("SHOW jit") == "off"

"""The keyspaces of the tests: one that was used is as good as new."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from headwater.engines.cassandra import open_engine
from headwater.errors import StoreError
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, append_of
from tests.engines.cassandra_servers import AT_REST, cassandra_url, fresh_keyspace, new_keyspace, run


async def test_a_used_keyspace_comes_back_empty_as_another_store() -> None:
    names, ids = set[str](), set[str]()
    for _ in range(AT_REST + 1):
        async with fresh_keyspace(partitions="3") as url:
            name = urlsplit(url).path.removeprefix("/")
            engine = open_engine(url, EngineOptions())
            await engine.open()
            try:
                assert await engine.events.head(ANN) == 0
                await engine.events.append(append_of(ANN, 1))
            finally:
                await engine.close()
            await asyncio.to_thread(run, url, f"CREATE TABLE {name}.views (id text PRIMARY KEY)")
            (row,) = await asyncio.to_thread(run, url, f"SELECT store_id FROM {name}.headwater_store")
            ids.add(row[0])
            names.add(name)
    assert (len(names), len(ids)) == (AT_REST, AT_REST + 1)


async def test_two_at_once_are_not_the_same() -> None:
    async with fresh_keyspace() as first, fresh_keyspace() as second:
        assert first != second


async def test_a_new_one_is_dropped_afterwards() -> None:
    async with new_keyspace() as url:
        name = urlsplit(url).path.removeprefix("/")
        replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        await asyncio.to_thread(run, url, f"CREATE KEYSPACE {name} WITH replication = {replication}")
    with pytest.raises(StoreError, match="does not exist"):
        await asyncio.to_thread(run, cassandra_url(), f"SELECT * FROM {name}.t")

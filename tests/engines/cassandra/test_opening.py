"""Opening: several that make one store at once make one; what was broken off is finished."""

from __future__ import annotations

import asyncio

import pytest

from headwater.engines.cassandra import open_engine
from headwater.errors import StoreMismatch, StoreUnavailable
from headwater.ports.engine import EngineOptions
from tests.engines.cassandra_servers import new_keyspace, run

QUIET = "sequencers=off"


async def test_who_makes_a_store_at_once_makes_one() -> None:
    async with new_keyspace(partitions="2") as url:
        engines = [open_engine(f"{url}&{QUIET}", EngineOptions()) for _ in range(4)]
        stores = {identity.store_id for identity in await asyncio.gather(*[engine.open() for engine in engines])}
        for engine in engines:
            await engine.close()
        assert len(stores) == 1


async def test_a_store_that_was_half_made_is_finished() -> None:
    async with new_keyspace(partitions="2") as url:
        engine = open_engine(f"{url}&{QUIET}", EngineOptions())
        first = await engine.open()
        await engine.close()
        keyspace = url.rpartition("/")[2].partition("?")[0]
        await asyncio.to_thread(run, url, f"TRUNCATE {keyspace}.headwater_store")
        await asyncio.to_thread(run, url, f"DROP TABLE {keyspace}.headwater_leases")
        with pytest.raises(StoreUnavailable, match="not made yet"):
            await open_engine(f"{url}&{QUIET}", EngineOptions(create=False)).open()
        assert (await engine.open()).store_id != first.store_id
        await engine.close()
        with pytest.raises(StoreMismatch, match="3"):
            await open_engine(url.replace("=2", "=3"), EngineOptions()).open()

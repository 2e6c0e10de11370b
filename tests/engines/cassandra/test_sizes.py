"""The sizes of a store: chosen when it is made, kept in it, and crossed by streams and the log without a seam."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from headwater.domain.version import Exact
from headwater.engines.cassandra import open_engine
from headwater.errors import StoreMismatch
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, BOB, append_of, command_of, log_of
from tests.engines.cassandra_servers import new_keyspace, run


async def test_streams_and_the_log_go_on_in_the_next_chunk_and_bucket() -> None:
    async with new_keyspace(partitions="1", events_per_chunk="1000", events_per_bucket="1000") as url:
        engine = open_engine(url, EngineOptions())
        await engine.open()
        first = await engine.events.append(append_of(ANN, 700, command=command_of("early")))
        for version in (700, 1_400, 1_950):
            await engine.events.append(append_of(ANN, 700 if version < 1_400 else 550, Exact(version)))
            await engine.events.append(append_of(BOB, 10))
        again = await engine.events.append(append_of(ANN, 700, command=command_of("early")))
        assert again.writes == first.writes
        assert [event.version for event in await engine.events.load(ANN)] == list(range(1, 2_501))
        assert [event.offset for event in await log_of(engine)] == list(range(2_530))
        assert [step async for step in engine.admin.verify() if not isinstance(step, int)] == []
        await engine.close()
        keyspace = urlsplit(url).path.removeprefix("/")
        chunks = await asyncio.to_thread(run, url, f"SELECT JSON DISTINCT stream, chunk FROM {keyspace}.events")
        buckets = await asyncio.to_thread(run, url, f"SELECT JSON DISTINCT part, bucket FROM {keyspace}.headwater_log")
        assert (len(chunks), len(buckets)) == (3, 3)


async def test_the_sizes_are_fixed_when_a_store_is_made() -> None:
    async with new_keyspace(partitions="1", events_per_chunk="2000") as url:
        for known in (url, url.replace("&events_per_chunk=2000", "&events_per_bucket=50000")):
            engine = open_engine(f"{known}&sequencers=off", EngineOptions())
            await engine.open()
            await engine.close()
        for others in ("events_per_chunk=10000", "events_per_chunk=2000&events_per_bucket=1000"):
            other = url.replace("events_per_chunk=2000", others)
            with pytest.raises(StoreMismatch, match="where events lie is fixed"):
                await open_engine(f"{other}&sequencers=off", EngineOptions()).open()

"""StreamHeads while the log has yet to get what streams have: that is no inconsistency."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headwater.consistency.checks.streams import StreamHeads
from headwater.domain.event import UNLOGGED
from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, BOB, append_of, log_of
from tests.engines.cassandra_servers import fresh_keyspace


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[CassandraEngine]:
    engine = open_engine(url, EngineOptions())
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


async def checked(engine: CassandraEngine) -> tuple[list[str], int]:
    """What is found, and how many streams and events were looked at."""
    check = StreamHeads(engine.admin, engine.events, engine.log)
    cursor: str | None = "s"
    found, looked_at = list[str](), 0
    while cursor is not None:
        part = await check.part(cursor)
        found += [wrong.what for wrong in part.found]
        cursor, looked_at = part.next, looked_at + part.looked_at
    return found, looked_at


async def test_events_that_are_on_their_way_to_the_log_are_left_for_the_next_time() -> None:
    async with fresh_keyspace(partitions="2") as url:
        async with opened(url) as engine:
            for stream in (ANN, BOB):
                await engine.events.append(append_of(stream, 2))
            assert len(await log_of(engine)) == 4
        idle = f"{url}&sequencers=off"
        async with opened(idle) as looking, opened(f"{idle}&deadline=2") as writing:
            await writing.events.append(append_of(ANN, 3))
            loaded = await looking.events.load(ANN)
            assert [event.offset == UNLOGGED for event in loaded] == [False, False, True, True, True]
            assert await checked(looking) == ([], 2 + 4)
        async with opened(url) as engine:
            seen = engine.wakeups.seen()
            while await engine.log.offset_of(str(ANN), 5) is None:
                seen = await engine.wakeups.wait(seen, 1.0)
            assert await checked(engine) == ([], 2 + 7)

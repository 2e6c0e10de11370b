"""fire: a feed of several partitions read while many write, with pauses between the writing and the commit."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

import asyncpg

from headwater.domain.append import Append
from headwater.domain.stream import StreamId
from headwater.engines.postgres import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.controls import atomic, write_of
from headwater.testing.servers import PostgresServer
from tests.faults.following import Reader
from tests.faults.history import Findings
from tests.faults.postgres_servers import a_server, with_options
from tests.faults.report import Row, control, row

__all__ = ["feed_by_sequence", "feed_under_fire"]

WRITERS = 8
READERS = 3
PARTITIONS = 4
STREAMS = 40
CALLERS = 4
"""Of each writer, at once: so its transactions hold groups."""


async def feed_under_fire(events: int, seed: int = 1) -> Row:
    """Each writer is an engine with connections of its own; some appends have several streams in several partitions."""
    async with a_server() as server:
        url = with_options(server.url, partitions=PARTITIONS)
        engines = [open_engine(url, EngineOptions()) for _ in range(WRITERS + READERS)]
        await engines[0].open()
        await asyncio.gather(*(engine.open() for engine in engines))
        pauses = _pausing(engines[:WRITERS], random.Random(seed))
        done = asyncio.Event()
        readers = [Reader(engine) for engine in engines[WRITERS:]]
        following = [asyncio.create_task(reader.follow(done)) for reader in readers]
        numbers = [0]
        began = time.monotonic()
        await asyncio.gather(
            *(_write(engine, random.Random(f"{seed} {place} {caller}"), numbers, events)
              for place, engine in enumerate(engines[:WRITERS]) for caller in range(CALLERS))
        )  # fmt: skip
        done.set()
        await asyncio.gather(*following)
        print(f"  {numbers[0]:,} events in {time.monotonic() - began:.0f} s, {pauses[0]:,} pauses before a commit")
        found = await _compared(engines[0], readers)
        await asyncio.gather(*(engine.close() for engine in engines))
    return row("a feed of several partitions under fire misses nothing", numbers[0] * READERS, pauses[0], found)


async def feed_by_sequence(events: int, seed: int = 1) -> Row:
    """The control: positions of a sequence, and a cursor that goes on from the highest one seen."""
    async with a_server() as server:
        seen: set[int] = set()
        done = asyncio.Event()
        await _by_hand(server, "CREATE TABLE feed (position bigserial PRIMARY KEY, data text)")
        reading = asyncio.create_task(_read_by_sequence(server, seen, done))
        each = events // WRITERS
        await asyncio.gather(*(_write_by_hand(server, each, random.Random(seed + n)) for n in range(WRITERS)))
        done.set()
        await reading
    missed = each * WRITERS - len(seen)
    print(f"  a cursor over a sequence missed {missed:,} of {each * WRITERS:,} events")
    lost = Findings(lost=["missed"] * missed)
    return control("a cursor over a sequence, under the same fire", events, 0, lost)


def _pausing(engines: Sequence[Engine], chance: random.Random) -> list[int]:
    """Let each transaction of appends pause before it commits, now and then; how often they did."""
    pauses = [0]
    for engine in engines:
        transaction = engine._events._appender._groups._transaction  # type: ignore[attr-defined]  # faults are planted
        end = transaction._end

        async def paused(*args: object, end: object = end) -> None:
            if chance.random() < 0.5:
                pauses[0] += 1
                await asyncio.sleep(chance.choice((0.001, 0.005, 0.02)))
            await end(*args)  # type: ignore[operator]

        transaction._end = paused
    return pauses


async def _write(engine: Engine, chance: random.Random, numbers: list[int], events: int) -> None:
    while numbers[0] < events:
        streams = chance.sample(range(STREAMS), chance.choice((1, 1, 1, 3)))
        writes = tuple([write_of(StreamId("fire", str(number)), chance.randint(1, 10)) for number in streams])
        numbers[0] += sum(len(write.events) for write in writes)
        await atomic(engine).append_atomic(Append(writes=writes))


async def _compared(engine: Engine, readers: Sequence[Reader]) -> Findings:
    """What each reader saw, held against the streams themselves."""
    found = Findings()
    heads = {f"fire-{number}": await engine.events.head(StreamId("fire", str(number))) for number in range(STREAMS)}
    stored = {(stream, version) for stream, head in heads.items() for version in range(1, head + 1)}
    for reader in readers:
        found.add(reader.found)
        found.lost += [f"{stream}@{version} was not seen" for stream, version in stored - set(reader.seen)]
        found.duplicated += ["an event seen twice"] * (len(reader.seen) - len(set(reader.seen)))
        found.other += [f"{stream}@{version} is in no stream" for stream, version in set(reader.seen) - stored]
    return found


async def _by_hand(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.url)
    await connection.execute(statement)
    await connection.close()


async def _write_by_hand(server: PostgresServer, events: int, chance: random.Random) -> None:
    connection = await asyncpg.connect(server.url)
    for _ in range(events):
        async with connection.transaction():
            await connection.execute("INSERT INTO feed (data) VALUES ('x')")
            if chance.random() < 0.5:
                await asyncio.sleep(chance.choice((0.001, 0.005, 0.02)))
    await connection.close()


async def _read_by_sequence(server: PostgresServer, seen: set[int], done: asyncio.Event) -> None:
    connection = await asyncpg.connect(server.url)
    last = 0
    while True:
        is_over = done.is_set()
        rows = await connection.fetch("SELECT position FROM feed WHERE position > $1 ORDER BY position", last)
        seen.update(position for (position,) in rows)
        last = rows[-1][0] if rows else last
        if is_over and not rows:
            break
    await connection.close()

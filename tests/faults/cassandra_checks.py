"""cassandra_checks: what must be true of a store on Cassandra once all is well again and everything is at rest."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.errors import StoreUnavailable
from tests.faults.cassandra_operation import operation_of
from tests.faults.following import Reader
from tests.faults.history import Findings, History, Seen, check
from tests.faults.holders import check_holders
from tests.faults.reading import damages, held

__all__ = ["checked", "rested"]

T = TypeVar("T")

PATIENCE = 180
"""Seconds in which the log has everything, and a read is answered."""
AT_ONCE = 64
"""Streams that are loaded side by side."""


async def rested(engine: CassandraEngine) -> Findings:
    """Once nothing waits to be logged; or what still does after a long while."""
    found, ends = Findings(), time.monotonic() + PATIENCE
    while left := await engine._session.run(f"SELECT stream FROM {engine._session.keyspace}.headwater_intents"):
        if time.monotonic() > ends:
            found.other += [f"an intent of {stream} is left" for (stream,) in left]
            break
        await engine.wakeups.wait(engine.wakeups.seen(), 1.0)
    return found


async def checked(engine: CassandraEngine, history: History, reader: Reader | None) -> Findings:
    """The log against the streams, what callers were told, and what somebody read while it grew."""
    there = await _answered(partial(held, engine, keeps_order=False))
    found = check(history, there)
    found.add(check_holders(history, there))
    found.add(await _answered(partial(_against_streams, engine, _ids(history), there.events)))
    if reader is not None:
        found.add(reader.found)
        found.other += _against_reader(there.events, reader)
    found.other += await _answered(partial(damages, engine))
    return found


async def _answered(read: Callable[[], Awaitable[T]]) -> T:
    """Once more where no answer comes, while the cluster has yet to recover from what was done to it."""
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            return await read()
        except StoreUnavailable:
            if time.monotonic() > ends:
                raise


def _ids(history: History) -> set[str]:
    """Of every append that was ever sent."""
    return {ack.id for ack in history.acks} | {refusal.id for refusal in history.refusals} | history.called.keys()


async def _against_streams(engine: CassandraEngine, ids: Iterable[str], events: Sequence[Seen]) -> Findings:
    """Each event of each stream is in the log, and each stream is counted."""
    found, begun = Findings(), Counter[str]()
    logged = {(event.stream, event.version) for event in events}
    async for stream, stored in _loaded(engine, {operation_of(id).stream for id in ids}):
        begun[stream.category] += bool(stored)
        unlogged = [event.version for event in stored if (event.stream, event.version) not in logged]
        found.lost += [f"{stream}@{version} is not in the log" for version in unlogged]
        if (str(stream), len(stored) + 1) in logged:
            found.other.append(f"{stream}@{len(stored) + 1} is in the log, and not in its stream")
    for category, streams_begun in begun.items():
        counted = await engine.events.count(category)
        if counted != streams_begun:
            found.other.append(f"{counted} streams {category} are counted, and there are {streams_begun}")
    return found


async def _loaded(
    engine: CassandraEngine, streams: Iterable[StreamId]
) -> AsyncIterator[tuple[StreamId, Sequence[StoredEvent]]]:
    """Each stream with its events."""
    waiting = iter(streams)
    while some := list(islice(waiting, AT_ONCE)):
        for each in zip(some, await asyncio.gather(*map(engine.events.load, some)), strict=True):
            yield each


def _against_reader(events: Sequence[Seen], reader: Reader) -> list[str]:
    """What was read is still there, and what is there was read."""
    there = {(event.partition, event.offset): (event.stream, event.version) for event in events}
    return [
        f"partition and offset {place} were read as {reader.places.get(place)}, and are {there.get(place)}"
        for place in there.keys() | reader.places.keys()
        if there.get(place) != reader.places.get(place)
    ]

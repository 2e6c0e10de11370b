"""half_done: replicas frozen amid conditional writes, and what is then seen of them, by whom."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import acsylla

from headwater.domain.event import NewEvent
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.engines.cassandra.protocol.collecting import collect
from headwater.engines.cassandra.protocol.replies import Applied
from headwater.engines.cassandra.protocol.requests import (
    AppendEvents,
    FenceChunk,
    ReadRows,
    ReadRowSerially,
)
from headwater.engines.cassandra.protocol.rows import EventRow
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Levels
from headwater.engines.cassandra.tables.event_rows import columns_of
from headwater.engines.cassandra.tables.stream_table import StreamTable
from headwater.errors import StoreError, StoreUnavailable
from tests.faults.cassandra_servers import Cluster, opened, three_nodes
from tests.faults.history import Findings
from tests.faults.report import Row, row

__all__ = ["leave_half_done"]

T = TypeVar("T")

PATIENCE = 60
"""Seconds in which somebody answers."""
OPTIONS = {"partitions": 1, "request_timeout": 3, "connect_timeout": 3, "sequencers": "off"}
EXPIRED = 3.5
"""Seconds after which a replica that was frozen drops what it has been sent meanwhile."""
TRIES = 8
"""How often a replica is brought to have a part of a batch, until it is seen so."""


async def leave_half_done(freezes: int, appends: int, gaps: int) -> Row:
    """Each time that many appends are under way when two of three nodes freeze; then holes are made by read repair."""
    found, seen = Findings(), Counter[str]()
    async with three_nodes() as cluster:
        direct, through = await cluster.new_store(**OPTIONS)
        async with opened(direct) as engine:
            for number in range(freezes):
                await _freeze_amid(cluster, engine, number, appends, seen, found)
        async with opened(through) as engine:
            for number in range(gaps):
                await _leave_a_gap(cluster, engine, f"gap-{number}", seen, found)
    for what, count in sorted(seen.items()):
        print(f"    {count:,} {what}")
    if not seen["answers unknown"]:
        found.other.append("no write was left half done")
    return row(
        "Cassandra: what is left half done is seen whole, or never comes", freezes * appends, freezes + gaps, found
    )


# -- replicas frozen amid a write (8.3) ------------------------------------------


async def _freeze_amid(
    cluster: Cluster, engine: CassandraEngine, number: int, appends: int, seen: Counter[str], found: Findings
) -> None:
    chance, streams = random.Random(number), StreamTable(engine._session)
    names = [f"half-{number}-{nth}" for nth in range(appends)]
    sent = [asyncio.create_task(_append(streams, name)) for name in names]
    while sum(task.done() for task in sent) < appends // 4:  # some are answered, some begun, some waiting
        await asyncio.wait([task for task in sent if not task.done()], return_when=asyncio.FIRST_COMPLETED)
    nodes = [cluster.nodes[place] for place in chance.sample(range(3), 2)]
    for node in nodes:
        node.freeze()
    answers = await asyncio.gather(*sent)
    await asyncio.sleep(EXPIRED)
    for node in nodes:
        node.thaw()
    for name, answer in zip(names, answers, strict=True):
        seen[f"answers {answer}"] += 1
        if answer == "unknown":
            what = await _settled(streams, name, by_fence=chance.random() < 0.5, found=found)
            seen[f"unknown and {what}"] += 1
        elif await _versions(streams, name) != [1, 2, 3]:
            found.lost.append(f"{name} was acknowledged, and {await _versions(streams, name)} are seen")


async def _append(streams: StreamTable, name: str) -> str:
    try:
        answer = await streams.append_events(AppendEvents(name, 0, None, None, _rows(), None))
    except StoreError:
        return "unknown"
    return "applied" if isinstance(answer, Applied) else "refused"


async def _settled(streams: StreamTable, name: str, *, by_fence: bool, found: Findings) -> str:
    """What a quorum sees at first, and what a serial read or a fence makes of it; then a quorum must see the same.

    Only a fence keeps what is not there from coming later: a node may have been asked, and have thawed just now.
    """
    before = await _patiently(lambda: _versions(streams, name))
    if by_fence:
        await _patiently(lambda: streams.fence_chunk(FenceChunk(name, 0, None, None)))
    came = (await _patiently(lambda: streams.read_row_serially(ReadRowSerially(name, 0, 1)))).row is not None
    if by_fence and not came:
        again = AppendEvents(name, 0, None, None, _rows(), None)
        if isinstance(await _patiently(lambda: streams.append_events(again)), Applied):
            found.other.append(f"{name} was fenced, and came")
    after = await _patiently(lambda: _versions(streams, name))
    if after not in ([1, 2, 3] if came else [], [] if by_fence else [1, 2, 3]):
        found.other.append(f"{name} {'came' if came else 'did not come'}, and a quorum sees {after}")
    if before and not came:
        found.lost.append(f"{name} was seen by a quorum, and then not")
    if not came:
        return f"not there for {'a fence, and so for ever' if by_fence else 'a serial read'}"
    return f"{'seen by' if before else 'hidden from'} a quorum before {'a fence' if by_fence else 'a serial read'}"


# -- a batch of which a replica has a part (8.8) -----------------------------------


async def _leave_a_gap(
    cluster: Cluster, engine: CassandraEngine, name: str, seen: Counter[str], found: Findings
) -> None:
    for attempt in range(TRIES):
        visible, taken = await _gap_in(cluster, engine, f"{name}-{attempt}")
        seen[f"of a batch of 3 rows a quorum sees {visible}, and a sequencer takes {len(taken)}"] += 1
        if taken not in ([], [1, 2, 3]):
            found.reordered.append(f"{name}: {taken} were taken for the log")
        if visible == [2, 3]:
            return
    found.other.append(f"{name}: no gap was seen")


async def _gap_in(cluster: Cluster, engine: CassandraEngine, stream: str) -> tuple[list[int], list[int]]:
    """One node alone gets three rows; a read repairs the last two to another; with the first node frozen these two are
    all that is seen, and nobody may take them for the stream. Which are seen, and which a sequencer takes."""
    streams = StreamTable(engine._session)
    first, *others = cluster.nodes
    cluster.lead_to(0)
    for node in others:
        node.freeze()
    await _patiently(lambda: _write_at_one(engine, stream))
    await asyncio.sleep(EXPIRED)
    for node in others:
        node.thaw()
    await _patiently(lambda: streams.read_rows(ReadRows(stream, 0, 2, 100)))
    cluster.lead_to(1, 2)
    first.freeze()
    visible = await _patiently(lambda: _versions(streams, stream))
    _, taken = await _patiently(lambda: engine._performer.run(collect({(stream, 0)}, {}, "", Shape())))
    first.thaw()
    cluster.lead_to(0, 1, 2)
    return visible, [row.version for _, row in taken]


async def _write_at_one(engine: CassandraEngine, stream: str) -> None:
    """Past any condition, so that one replica is enough."""
    session = engine._session
    levels = session.levels
    session.levels = Levels(acsylla.Consistency.ONE, levels.serial)
    try:
        await session.write(*[("insert_event", (stream, 0, *columns_of(row))) for row in _rows()])
    finally:
        session.levels = levels


# -- what all do ------------------------------------------------------------------


def _rows() -> tuple[EventRow, ...]:
    return tuple(
        [EventRow(version, b"attempt", version, NewEvent(b"0" * 16, "noted", 1, b"{}")) for version in (1, 2, 3)]
    )


async def _versions(streams: StreamTable, name: str) -> list[int]:
    return [row.version for row in await streams.read_rows(ReadRows(name, 0, 1, 100))]


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Again, as long as nobody answers."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                await asyncio.sleep(0.1)

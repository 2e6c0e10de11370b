"""Settling: the chunks and the indexes are told what lies in the log, before anything is built on their knowing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from headwater.engines.cassandra.protocol.core import Core, ask, ask_all
from headwater.engines.cassandra.protocol.ownership import Ownership
from headwater.engines.cassandra.protocol.request import PlainWrite
from headwater.engines.cassandra.protocol.requests import (
    WriteCommand,
    WriteCount,
    WriteLogged,
    WriteNames,
    WriteSettled,
)
from headwater.engines.cassandra.protocol.rows import ChunkKey, Count, Logged

__all__ = ["settle"]

ALWAYS = 1
"""The timestamp of what is only ever written with one value."""
NONE = Count(0, -1)


def settle(owner: Ownership) -> Core[None]:
    """Settle what is owed: the rows of one batch of the log, of several, or those that were found at a takeover."""
    rows = owner.owed
    if not rows:
        return
    _count(rows, owner.counts)
    indexes: list[PlainWrite] = [
        *_names(owner.part, rows),
        *_counts(owner.part, rows, owner.counts),
        *_commands(owner.part, rows),
    ]
    # T2 The indexes, and only then the chunks: whoever sees that an event is logged finds all that follows from it.
    yield from _acknowledged(indexes)
    yield from _acknowledged(_logged(rows))
    # T3 Only now: who reads this looks at nothing before it.
    offset = rows[-1].offset
    yield from ask(WriteSettled(offset + 1, owner.part, offset))
    owner.owed.clear()
    owner.memory.clear()


def _acknowledged(writes: Iterable[PlainWrite]) -> Core[None]:
    """All at once, until every one is acknowledged."""
    owed: list[PlainWrite] = list(writes)
    while owed:
        acknowledged = yield from ask_all(owed)
        owed = [write for write, known in zip(owed, acknowledged, strict=True) if not known]


def _logged(rows: Iterable[Logged]) -> Iterator[WriteLogged]:
    """Where its rows lie, to each chunk."""
    chunks: dict[ChunkKey, list[tuple[int, int]]] = {}
    for row in rows:
        chunks.setdefault((row.stream, row.chunk), []).append((row.version, row.offset))
    for (stream, chunk), offsets in chunks.items():
        version = offsets[-1][0]
        yield WriteLogged(version, stream, chunk, version, tuple(offsets))


def _names(part: int, rows: Iterable[Logged]) -> Iterator[WriteNames]:
    born: dict[str, list[str]] = {}
    for row in rows:
        if row.is_birth:
            born.setdefault(row.category, []).append(row.stream)
    for category, streams in born.items():
        yield WriteNames(ALWAYS, part, category, tuple(streams))


def _count(rows: Iterable[Logged], counts: dict[str, Count]) -> None:
    """Count the streams that begin here, but for those that were counted before."""
    for row in rows:
        count = counts.get(row.category, NONE)
        if row.is_birth and row.offset > count.offset:
            counts[row.category] = Count(count.streams + 1, row.offset)


def _counts(part: int, rows: Iterable[Logged], counts: Mapping[str, Count]) -> Iterator[WriteCount]:
    """Of each category of which a stream begins here, be it counted before: that may have been seen on a minority."""
    for category in sorted({row.category for row in rows if row.is_birth}):
        count = counts[category]
        yield WriteCount(count.offset + 1, part, category, count.streams, count.offset)


def _commands(part: int, rows: Sequence[Logged]) -> Iterator[WriteCommand]:
    for row in rows:
        if row.command is not None:
            yield WriteCommand(row.offset + 1, part, row.command, row.offset)

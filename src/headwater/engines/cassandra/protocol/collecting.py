"""Collecting: what the streams have committed and the log does not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headwater.engines.cassandra.protocol.core import Core, ask_all
from headwater.engines.cassandra.protocol.deciding import ChunkSeen
from headwater.engines.cassandra.protocol.requests import ReadRows, ReadStatics
from headwater.engines.cassandra.protocol.rows import ChunkKey, EventRow
from headwater.engines.cassandra.protocol.shape import Shape

__all__ = ["collect"]

Chunks = dict[ChunkKey, ChunkSeen]


def collect(
    named: Iterable[ChunkKey], memory: Mapping[ChunkKey, int], behind: str, shape: Shape
) -> Core[tuple[Chunks, list[tuple[ChunkKey, EventRow]]]]:
    """R2: what was seen of the chunks that are named and of those before them, and the rows to be logged, in order.

    Args:
        memory: the highest version of each chunk that the reader itself has logged.
        behind: the stream to begin behind, so that none waits for ever for one that is always full.
    """
    seen: Chunks = {}
    asked = sorted(named)
    while asked:  # statics first
        replies = yield from ask_all([ReadStatics(stream, chunk) for stream, chunk in asked])
        for key, statics in zip(asked, replies, strict=True):
            seen[key] = ChunkSeen(statics, max(statics.logged or 0, memory.get(key, 0)))
        asked = [key for key in map(_before, asked, [seen[key] for key in asked]) if key and key not in seen]
    starts = {key: start for key in seen if (start := _start(key, seen, shape)) is not None}
    limit = shape.events_per_log_batch
    found = yield from ask_all([ReadRows(*key, start, limit) for key, start in starts.items()])  # then rows
    for key, rows in zip(starts, found, strict=True):
        seen[key].rows = {row.version: row for row in rows}
        seen[key].last_read = rows[-1].version if len(rows) == limit else None
    order = sorted(starts, key=lambda key: (key[0] <= behind, key))
    return seen, _contiguous(order, starts, seen)


def _before(key: ChunkKey, seen: ChunkSeen) -> ChunkKey | None:
    """The chunk that must be looked at before this one can be."""
    stream, chunk = key
    return (stream, chunk - 1) if chunk > 0 and seen.logged == 0 else None


def _start(key: ChunkKey, seen: Chunks, shape: Shape) -> int | None:
    """The first version of a chunk that may not be logged; None where the end of the chunk before is not visible.

    Never the lowest row that can be seen: one below it may be there.
    """
    stream, chunk = key
    if seen[key].logged > 0 or chunk == 0:
        return seen[key].logged + 1
    head = seen[stream, chunk - 1].statics.head
    return None if head is None or head < shape.chunk_end(chunk - 1) else head + 1


def _contiguous(
    order: Sequence[ChunkKey], starts: Mapping[ChunkKey, int], seen: Chunks
) -> list[tuple[ChunkKey, EventRow]]:
    """The rows of each chunk from its start up to the first that is not seen; a head proves no row."""
    taken, reached = list[tuple[ChunkKey, EventRow]](), dict[ChunkKey, int]()
    for key in order:
        stream, chunk = key
        version = starts[key]
        if chunk > 0 and seen[key].logged == 0 and reached.get((stream, chunk - 1)) != version - 1:
            continue  # the chunk before first
        rows = seen[key].rows or {}
        while (row := rows.get(version)) is not None:
            taken.append((key, row))
            version += 1
        reached[key] = version - 1
    return taken

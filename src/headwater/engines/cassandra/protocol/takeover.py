"""Takeover: what a sequencer does before its first round, and after every log batch that was not cleanly applied."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.engines.cassandra.protocol.core import Core, ask, ask_all
from headwater.engines.cassandra.protocol.requests import ReadBucketSerially, ReadSettled, WriteLogged, WriteSettled
from headwater.engines.cassandra.protocol.rows import ChunkKey, Logged
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.errors import StoreCorrupt

__all__ = ["LogHead", "settle", "take_over"]


class LogHead(msgspec.Struct, frozen=True, gc=False):
    """Where the log of a partition ends."""

    offset: int
    """h: of the last row; -1 for none."""
    log_time: int
    """Of that row, in microseconds since 1970; -1 for none."""


def take_over(part: int, shape: Shape) -> Core[LogHead]:
    """The head of a log all of whose rows are in `logged`."""
    # T1 Read serially what may not be settled: from then on it is decided and visible.
    settled = yield from ask(ReadSettled(part))
    if settled is None:
        settled = -1
    bucket = shape.bucket_of(max(settled, 0))
    head, tail = LogHead(-1, -1), list[Logged]()
    while True:
        seen = yield from ask(ReadBucketSerially(part, bucket, settled))
        tail += seen.rows
        if seen.head is None or seen.log_time is None:
            break  # the log ends with the bucket before, and so does its time
        head = LogHead(seen.head, seen.log_time)
        bucket += 1
        if head.offset + 1 < shape.bucket_start(bucket):
            break
    if head.offset < settled:
        raise StoreCorrupt(
            f"partition {part} of the log ends at {head.offset}, and was settled up to {settled}: its buckets were "
            "deleted, or restored without the rest"
        )
    # T2, T3 Settle it.
    yield from settle(part, tail)
    return head


def settle(part: int, rows: Sequence[Logged]) -> Core[None]:
    """Tell the chunks of rows of the log, in their order, that they are there."""
    if not rows:
        return
    # T2 The last row of each chunk, until every one is acknowledged.
    tops: dict[ChunkKey, Logged] = {(row.stream, row.chunk): row for row in rows}
    owed: list[WriteLogged] = [_logged(row) for row in tops.values()]
    while owed:
        acknowledged = yield from ask_all(owed)
        owed = [write for write, known in zip(owed, acknowledged, strict=True) if not known]
    # T3 Only now: who reads this looks at nothing before it.
    offset = rows[-1].offset
    yield from ask(WriteSettled(offset + 1, part, offset))


def _logged(last: Logged) -> WriteLogged:
    return WriteLogged(last.version, last.stream, last.chunk, last.version, last.offset)

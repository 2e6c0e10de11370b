"""Takeover: what a sequencer does before its first round, and after every log batch that was not cleanly applied."""

from __future__ import annotations

from collections.abc import Callable

from headwater.engines.cassandra.protocol.core import Core, ask
from headwater.engines.cassandra.protocol.ownership import LogHead, Ownership
from headwater.engines.cassandra.protocol.requests import ReadBucketSerially, ReadCounts, ReadSettled
from headwater.engines.cassandra.protocol.rows import Logged
from headwater.engines.cassandra.protocol.settling import settle
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.errors import StoreCorrupt

__all__ = ["take_over"]


def take_over(part: int, shape: Shape, clock: Callable[[], float]) -> Core[Ownership]:
    """What its owner has to know of a log all of whose rows are settled.

    Args:
        clock: this process's monotonic clock, in seconds.
    """
    # T1 Read serially what may not be settled: from then on it is decided and visible.
    settled = yield from ask(ReadSettled(part))
    if settled is None:
        settled = -1
    # The counts after it, or they may lack what another has settled since.
    counts = yield from ask(ReadCounts(part))
    head, tail = yield from _tail(part, settled, shape)
    if head.offset < settled:
        raise StoreCorrupt(
            f"partition {part} of the log ends at {head.offset}, and was settled up to {settled}: its buckets were "
            "deleted, or restored without the rest"
        )
    # T2, T3 Settle it.
    owner = Ownership(part, head, clock, counts=dict(counts), owed=tail)
    yield from settle(owner)
    owner.since = clock()
    return owner


def _tail(part: int, settled: int, shape: Shape) -> Core[tuple[LogHead, list[Logged]]]:
    """The end of the log, and the rows behind what is settled."""
    bucket = shape.bucket_of(max(settled, 0))
    head, tail = LogHead(-1, -1), list[Logged]()
    while True:
        seen = yield from ask(ReadBucketSerially(part, bucket, settled))
        tail += seen.rows
        if seen.head is None or seen.log_time is None:
            return head, tail  # the log ends with the bucket before, and so does its time
        head = LogHead(seen.head, seen.log_time)
        bucket += 1
        if head.offset + 1 < shape.bucket_start(bucket):
            return head, tail

"""Place: where the next append to a stream goes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.engines.cassandra.protocol.rows import EventRow
from headwater.engines.cassandra.protocol.shape import Shape

__all__ = ["Place"]


class Place(msgspec.Struct, frozen=True, gc=False):
    """What an append is conditioned on. One that is stale is refused; one that was made up may fork the stream."""

    part: int
    """The partition of the log."""
    stream: str
    chunk: int
    version: int
    """v: the stream's version. Where the chunk has no head, the head of the chunk before was seen to be this."""
    head: int | None
    """Of the chunk: v, or None if it has none."""
    fence: int | None
    time: int = -1
    """Of the stream's last event, in microseconds since 1970; -1 for none."""
    partition_key: str | None = None
    """Of the stream; None: its own name. Of a stream without events, what its first append is to fix."""

    def after(self, rows: Sequence[EventRow], shape: Shape) -> Place:
        """The place that is left by an append of these rows here that is known to be committed."""
        version, time, key = rows[-1].version, rows[-1].time, self.partition_key
        chunk = shape.chunk_of(version)
        if chunk == self.chunk:
            return Place(self.part, self.stream, chunk, version, version, self.fence, time, key)
        return Place(self.part, self.stream, chunk, version, None, None, time, key)

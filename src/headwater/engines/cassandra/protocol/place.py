"""Place: where the next append to a stream goes."""

from __future__ import annotations

import msgspec

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

    def after(self, count: int, shape: Shape) -> Place:
        """The place that is left by an append of so many events here that is known to be committed."""
        version = self.version + count
        chunk = shape.chunk_of(version)
        if chunk == self.chunk:
            return Place(self.part, self.stream, chunk, version, version, self.fence)
        return Place(self.part, self.stream, chunk, version, None, None)

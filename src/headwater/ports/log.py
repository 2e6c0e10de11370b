"""Log: every event of the store, in partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from headwater.domain.event import StoredEvent
from headwater.domain.metadata import NO_CONTEXT, Context

__all__ = ["Log", "LogFilter", "LogPage"]

_context = msgspec.json.Decoder(Context).decode


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events of the log a reader wants; an empty tuple or None does not restrict."""

    types: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    since: int | None = None
    """Microseconds since 1970, inclusive."""
    until: int | None = None
    """Microseconds since 1970, exclusive."""
    stream: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    """Pairs of a context field (correlation_id, principal, ...) or a header, and its value."""
    hidden: bool = False
    """Integration events too."""

    def matches(self, event: StoredEvent) -> bool:
        """True for an event the reader wants: what every engine's own way of filtering must agree with."""
        return (
            (self.hidden or event.topic is None)
            and (not self.types or event.type in self.types)
            and (not self.categories or event.stream.partition("-")[0] in self.categories)
            and (self.since is None or event.timestamp >= self.since)
            and (self.until is None or event.timestamp < self.until)
            and (self.stream is None or event.stream == self.stream)
            and (not self.metadata or _has_metadata(event, self.metadata))
        )


def _has_metadata(event: StoredEvent, pairs: tuple[tuple[str, str], ...]) -> bool:
    context = _context(event.context) if event.context else NO_CONTEXT
    named: dict[str, object] = {**context.headers, **msgspec.structs.asdict(context)}
    return all(named.get(name) == value for name, value in pairs)


class LogPage(msgspec.Struct, frozen=True):
    """Events in offset order, and the offset to read next: past what the filter left out, too."""

    events: Sequence[StoredEvent]
    next: int


class Log(Protocol):
    """A fixed number of partitions; in each, offsets start at 0, are dense, and are ordered by commit.

    Law: whoever has seen offset n has seen everything up to n and will never see anything new below it.
    The events of one stream are in one partition, by version.
    """

    @property
    def partitions(self) -> int: ...

    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        """At most `limit` matching events with offset >= `start`. `LogPage.next` is `start` at the end of the log.

        Looks at a bounded number of rows: a page may be empty with `next` beyond `start`; read on from there.
        """
        ...

    async def head(self, partition: int) -> int:
        """The offset the next event will get: 0 for an empty partition."""
        ...

    def partition_of(self, key: str) -> int:
        """The partition of the streams of a partition key; of one that has none, the key is the stream itself."""
        ...

    async def offset_of(self, stream: str, version: int) -> tuple[int, int] | None:
        """Partition and offset of a stream's event; None if there is none (yet)."""
        ...

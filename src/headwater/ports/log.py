"""Log: every event of the store, in partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from headwater.domain.event import StoredEvent

__all__ = ["Log", "LogFilter", "LogPage"]


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

    async def offset_of(self, stream: str, version: int) -> tuple[int, int] | None:
        """Partition and offset of a stream's event; None if there is none (yet)."""
        ...

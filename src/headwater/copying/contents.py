"""Contents: a digest of what a store keeps that does not depend on its engine, its partitions or their order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from headwater.domain.append import CommandRecord
from headwater.domain.event import StoredEvent
from headwater.ports.engine import Engine
from headwater.ports.log import LogFilter
from headwater.ports.tags import KeepsTags

__all__ = ["PAGE", "Contents", "LogPages", "TaggedPage"]

PAGE: Final = 1_000
"""Events, records or keys handled at once."""
_EVERYTHING: Final = LogFilter(hidden=True)
_SIZE: Final = 16
_encode: Final = msgspec.msgpack.Encoder(decimal_format="string").encode


class Contents:
    """The sum of the hashes of all that was added, whatever the order, and how many it was.

    Source: MSet-Add-Hash of Clarke, Devadas, van Dijk, Gassend and Suh, Incremental Multiset Hash Functions and Their
    Application to Memory Integrity Checking, 2003; without a key, as it looks for damage and not for forgery.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add_events(self, page: TaggedPage, partition_keys: Mapping[str, str]) -> None:
        """All that a copy keeps of events."""
        for event in page.events:
            tags, key = page.tags.get(event.event_id, ()), partition_keys.get(event.stream)
            place = event.stream, key, event.version, event.event_id, event.timestamp, event.type, event.schema
            self._add((*place, event.topic, tags, event.data, event.context))

    def add_records(self, records: Sequence[CommandRecord]) -> None:
        for record in records:
            self._add(record)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contents) and (self.count, self._sum) == (other.count, other._sum)

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __str__(self) -> str:
        """32 hexadecimal digits."""
        return f"{self._sum:032x}"

    def _add(self, item: object) -> None:
        number = int.from_bytes(blake2b(_encode(item), digest_size=_SIZE).digest())
        self._sum = (self._sum + number) % (1 << 8 * _SIZE)
        self.count += 1


class TaggedPage(msgspec.Struct, frozen=True):
    """Events of one partition, hidden ones too, with the tags of those that have any, by event id."""

    events: Sequence[StoredEvent]
    tags: Mapping[bytes, tuple[str, ...]]
    next: int
    """The offset behind them."""


class LogPages:
    """The log of a store, page by page."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def heads(self) -> list[int]:
        """Where each partition ends."""
        log = self._engine.log
        return [await log.head(partition) for partition in range(log.partitions)]

    async def between(self, partition: int, start: int, stop: int) -> AsyncIterator[TaggedPage]:
        """The events from one offset to before another."""
        while start < stop:
            page = await self._engine.log.read(partition, start, min(PAGE, stop - start), _EVERYTHING)
            if page.next == start:
                return
            yield TaggedPage(page.events, await self._tags(partition, page.events), page.next)
            start = page.next

    async def _tags(self, partition: int, events: Sequence[StoredEvent]) -> dict[bytes, tuple[str, ...]]:
        if not events or not isinstance(self._engine.events, KeepsTags):
            return {}
        found = await self._engine.events.tags_between(partition, events[0].offset, events[-1].offset + 1)
        return {event.event_id: found[event.offset] for event in events if event.offset in found}

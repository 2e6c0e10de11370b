"""Tailing: the last events of a log, and those that come."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from headwater.domain.event import StoredEvent
from headwater.ports.engine import Engine
from headwater.ports.log import Log, LogFilter

__all__ = ["last_events", "new_events"]

_PAGE: Final = 500
_QUIET_SECONDS: Final = 5.0


async def last_events(log: Log, heads: Sequence[int], count: int, only: LogFilter) -> list[StoredEvent]:
    """The newest `count` matching events below the heads, oldest first; by time where there are several partitions."""
    found = [event for p, head in enumerate(heads) for event in await _last_of(log, p, head, count, only)]
    found.sort(key=lambda event: event.timestamp)
    return found[max(0, len(found) - count) :]


async def _last_of(log: Log, partition: int, head: int, count: int, only: LogFilter) -> list[StoredEvent]:
    """Reads back from the head, twice as far each time, until there are enough."""
    reach, found = max(count, _PAGE), list[StoredEvent]()
    while count:
        start = max(0, head - reach)
        found = [event async for event in _between(log, partition, start, head, only)]
        if len(found) >= count or start == 0:
            break
        reach *= 2
    return list(deque(found, maxlen=count))


async def _between(log: Log, partition: int, start: int, end: int, only: LogFilter) -> AsyncIterator[StoredEvent]:
    while start < end:
        page = await log.read(partition, start, _PAGE, only)
        for event in page.events:
            if event.offset < end:
                yield event
        start = page.next


async def new_events(engine: Engine, heads: Sequence[int], only: LogFilter) -> AsyncIterator[StoredEvent]:
    """Events from the heads on, as they are committed, without end."""
    places = list(heads)
    while True:
        seen, moved = engine.wakeups.seen(), False
        for partition in range(len(places)):
            page = await engine.log.read(partition, places[partition], _PAGE, only)
            moved = moved or page.next > places[partition]
            places[partition] = page.next
            for event in page.events:
                yield event
        if not moved:
            await engine.wakeups.wait(seen, _QUIET_SECONDS)

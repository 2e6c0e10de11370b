"""Subscription: events of the log for whoever wants them, up to now, as they come, or at their old pace."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.metadata import to_micros
from headwater.domain.position import Position
from headwater.domain.registry import Registry
from headwater.errors import HeadwaterError, InvalidInput
from headwater.ports.log import Log, LogFilter
from headwater.ports.wakeups import Wakeups
from headwater.projections.decoding import Decoder

__all__ = ["After", "EventTypes", "log_filter", "read_log", "replay", "subscribe"]

After: TypeAlias = "Literal['start', 'end'] | Position | Iterable[Position]"
"""Where to begin: the first event, the next new one, or behind the last seen one of each partition."""
EventTypes: TypeAlias = "Iterable[type | str]"

_PAGE = 500
_QUIET_SECONDS = 5.0


def log_filter(
    registry: Registry,
    *,
    types: EventTypes = (),
    category: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    stream: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> LogFilter:
    """What a reader wants, as the log understands it: classes become every name they are stored under.

    `since` is inclusive, `until` is not; `metadata` maps a field of the context, or a header, to its value.
    """
    wanted = list(types)
    classes = [kind for kind in wanted if isinstance(kind, type)]
    names = {kind for kind in wanted if isinstance(kind, str)}
    return LogFilter(
        types=tuple(sorted(names.union(registry.stored_names(classes) if classes else ()))),
        categories=(category,) if category else (),
        since=None if since is None else to_micros(since),
        until=None if until is None else to_micros(until),
        stream=stream,
        metadata=tuple(sorted((metadata or {}).items())),
    )


async def read_log(
    log: Log, registry: Registry, only: LogFilter | None = None, *, after: After = "start", limit: int | None = None
) -> AsyncIterator[Recorded[object]]:
    """The events that are in the log now: by time over all partitions, in each by offset. Raises DecodingError."""
    starts = await _starts(log, after)
    heads = [await log.head(partition) for partition in range(log.partitions)]
    feeds = [_feed(log, registry, only, p, starts[p], heads[p]) for p in range(log.partitions)]
    count = 0
    async for event in _by_time(feeds):
        if limit is not None and count >= limit:
            return
        yield event
        count += 1


async def subscribe(
    log: Log, registry: Registry, wakeups: Wakeups, only: LogFilter | None = None, *, after: After = "start"
) -> AsyncIterator[Recorded[object]]:
    """Events as they are committed, without end; in order within a partition. Leave the loop to end it.

    To go on later, keep the `position` of the last event of each partition and give them as `after`.
    """
    places = await _starts(log, after)
    decoder = Decoder(registry)
    while True:
        seen = wakeups.seen()
        moved = False
        for partition in range(log.partitions):
            page = await log.read(partition, places[partition], _PAGE, only)
            moved = moved or page.next > places[partition]
            places[partition] = page.next
            for event in _flat(decoder, page.events):
                yield event
        if not moved:
            await wakeups.wait(seen, _QUIET_SECONDS)


async def replay(
    events: AsyncIterator[Recorded[object]],
    speed: float | None = 1.0,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> AsyncIterator[Recorded[object]]:
    """Events at the pace they happened, `speed` times faster; None: without any pause. Raises InvalidInput."""
    if speed is not None and not speed > 0:
        raise InvalidInput(f"speed is a factor above 0, or None for no pause at all, got {speed!r}")
    last: int | None = None
    async for event in events:
        now = event.stored.timestamp
        if speed is not None and last is not None and now > last:
            await sleep((now - last) / 1_000_000 / speed)
        last = now if last is None else max(last, now)
        yield event


async def _starts(log: Log, after: After) -> list[int]:
    """The offset to begin at, by partition."""
    if after == "end":
        return [await log.head(partition) for partition in range(log.partitions)]
    starts = [0] * log.partitions
    seen = () if isinstance(after, str) else (after,) if isinstance(after, Position) else after
    for position in seen:
        if not 0 <= position.partition < log.partitions:
            raise InvalidInput(f"there is no partition {position.partition}: this log has {log.partitions}")
        starts[position.partition] = max(starts[position.partition], position.offset + 1)
    return starts


async def _feed(
    log: Log, registry: Registry, only: LogFilter | None, partition: int, start: int, head: int
) -> AsyncIterator[Recorded[object]]:
    decoder = Decoder(registry)
    while start < head:
        page = await log.read(partition, start, _PAGE, only)
        for event in _flat(decoder, [stored for stored in page.events if stored.offset < head]):
            yield event
        start = page.next


async def _by_time(feeds: Iterable[AsyncIterator[Recorded[object]]]) -> AsyncIterator[Recorded[object]]:
    """Merged by timestamp, each feed's own order kept."""
    heap: list[tuple[int, int, Recorded[object], AsyncIterator[Recorded[object]]]] = []
    for number, feed in enumerate(feeds):
        event = await anext(feed, None)
        if event is not None:
            heap.append((event.stored.timestamp, number, event, feed))
    heapq.heapify(heap)
    while heap:
        _, number, earliest, feed = heap[0]
        yield earliest
        following = await anext(feed, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (following.stored.timestamp, number, following, feed))


def _flat(decoder: Decoder, events: Sequence[StoredEvent]) -> Iterator[Recorded[object]]:
    for item in decoder.page(events):
        if isinstance(item, HeadwaterError):
            raise item
        yield from item if isinstance(item, tuple) else (item,)

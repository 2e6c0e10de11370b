"""StreamHeads: every stream against the log, and the log against its streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from headwater.consistency.checks.check import Inconsistency, Part
from headwater.domain.event import UNLOGGED, StoredEvent
from headwater.domain.stream import StreamId
from headwater.errors import StoreCorrupt
from headwater.ports.admin import Admin, StreamInfo
from headwater.ports.event_store import EventStore
from headwater.ports.log import Log, LogFilter

__all__ = ["StreamHeads"]

_EVENTS = 500
"""Events of a stream in memory at once."""
_EVERYTHING = LogFilter(hidden=True)


class StreamHeads:
    """Streams by name: versions 1 to the head without holes, in one partition and in order, the last one in the log.

    After the last stream the partitions of the log: offsets without holes, each of an event that its stream has there.
    A part is `limit` streams or events. What is appended meanwhile is left for the next time.
    """

    def __init__(self, admin: Admin, events: EventStore, log: Log, *, limit: int = 1_000) -> None:
        self._admin = admin
        self._events = events
        self._log = log
        self._limit = limit

    async def part(self, cursor: str) -> Part:
        """A cursor is `s` and the last stream looked at, or `p`, a partition, a colon, and the next offset in it."""
        if cursor.startswith("p"):
            partition, _, offset = cursor[1:].partition(":")
            return await self._of_the_log(int(partition), int(offset))
        streams = await self._admin.streams(after=cursor[1:], limit=self._limit)
        found = [wrong for info in streams async for wrong in self._of_a_stream(info)]
        next = f"s{streams[-1].stream}" if len(streams) == self._limit else "p0:0"
        return Part(found=found, next=next, looked_at=len(streams))

    async def _of_a_stream(self, info: StreamInfo) -> AsyncIterator[Inconsistency]:
        """What the listing, the stream and the log say of one stream's events, as far as the listing goes."""
        try:
            async for what in self._wrong_events(StreamId.parse(info.stream), info.version):
                yield Inconsistency(what, info.stream)
        except StoreCorrupt as error:
            yield Inconsistency(str(error), info.stream)

    async def _wrong_events(self, stream: StreamId, head: int) -> AsyncIterator[str]:
        last: StoredEvent | None = None
        while (version := 0 if last is None else last.version) < head:
            events = await self._events.load(stream, version, min(version + _EVENTS, head))
            if not events:
                yield f"the stream is at version {head} and has {version} events"
                return
            for event in events:
                expected = 1 if last is None else last.version + 1
                if event.version != expected:
                    yield f"version {expected} is missing"
                if last is not None and not _follows(event, last):
                    yield f"version {event.version} does not lie behind the one before it"
                last = event
        if last is not None and not await self._is_in_log(last):
            yield f"version {last.version} is not in the log where it should be, at {_place(last)}"

    async def _is_in_log(self, event: StoredEvent) -> bool:
        if event.offset == UNLOGGED:
            return True  # it is on its way
        found = (await self._log.read(event.partition, event.offset, 1, _EVERYTHING)).events
        return bool(found) and found[0].event_id == event.event_id

    async def _of_the_log(self, partition: int, offset: int) -> Part:
        after = f"p{partition + 1}:0" if partition + 1 < self._log.partitions else None
        try:
            page = await self._log.read(partition, offset, self._limit, _EVERYTHING)
        except StoreCorrupt as error:
            return Part(found=[Inconsistency(str(error), f"{partition}:{offset}")], next=after)
        found = [*_gaps(page.events, offset)]
        by_stream: dict[str, list[StoredEvent]] = {}
        for event in page.events:
            by_stream.setdefault(event.stream, []).append(event)
        for name, events in by_stream.items():
            found += [
                Inconsistency(f"{name} does not have it as its own", _place(e)) for e in await self._strange(events)
            ]
        next = f"p{partition}:{page.next}" if page.next > offset else after
        return Part(found=found, next=next, looked_at=len(page.events))

    async def _strange(self, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Those of a stream's events in the log that the stream does not have there, or does not count."""
        stream = StreamId.parse(events[0].stream)
        own = await self._events.load(stream, min(e.version for e in events) - 1, max(e.version for e in events))
        known = {(e.version, e.event_id): (e.partition, e.offset) for e in own}
        head = await self._events.head(stream)
        return [e for e in events if e.version > head or not _is_known(e, known)]


def _is_known(event: StoredEvent, known: Mapping[tuple[int, bytes], tuple[int, int]]) -> bool:
    """Whether its stream has an event where the log has it."""
    place = known.get((event.version, event.event_id))
    return place in ((event.partition, event.offset), (event.partition, UNLOGGED))


def _follows(event: StoredEvent, last: StoredEvent) -> bool:
    """Whether an event lies behind the one before it in its stream."""
    return event.partition == last.partition and (event.offset > last.offset or event.offset == UNLOGGED)


def _gaps(events: Sequence[StoredEvent], expected: int) -> Iterator[Inconsistency]:
    for event in events:
        if event.offset != expected:
            yield Inconsistency(f"an event is missing before it: {expected} was next", _place(event))
        expected = event.offset + 1


def _place(event: StoredEvent) -> str:
    return f"{event.partition}:{event.offset}"

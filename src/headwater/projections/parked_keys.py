"""ParkedKeys: which keys of a place are parked, and which of them may be tried again."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable

from headwater.ports.parking import ParkedEvent, ParkedPlace, ParkedQueue, Parking
from headwater.ports.place import Place
from headwater.projections.key_range import KeyRange

__all__ = ["ParkedKeys"]

_PAGE = 100
"""Events of a queue that are read at once."""


class ParkedKeys:
    """As of the last look, with what was parked since under the same lease."""

    def __init__(self, parking: Parking, place: Place, key_range: KeyRange) -> None:
        self.keys: set[str] = set()
        """Later events of these are parked behind the first."""
        self._parking = parking
        self._place = place
        self._range = key_range
        self._due = math.inf

    def added(self, events: Iterable[ParkedEvent]) -> None:
        """Said of what a commit has parked."""
        for event in events:
            self.keys.add(event.key)
            self._due = min(self._due, math.inf if event.retry_at is None else event.retry_at)

    def due_in(self, now: int) -> float:
        """Seconds until some key is to be tried again; infinite if none is. `now` is in microseconds since 1970."""
        return max(0.0, (self._due - now) / 1_000_000)

    async def look(self, now: int) -> list[ParkedQueue]:
        """Learn what is parked; the queues whose first event is free to go, or due at `now`."""
        place = self._place
        queues = await self._parking.queues(place.projection, place.generation, place.partition)
        mine = [queue for queue in queues if self._range.holds(queue.key)]
        self.keys.clear()
        self.keys.update(queue.key for queue in mine)
        free = [queue for queue in mine if queue.error is None or (queue.retry_at or math.inf) <= now]
        later = [queue.retry_at for queue in mine if queue.retry_at is not None and queue not in free]
        self._due = min(later, default=math.inf)
        return free

    async def queue(self, key: str) -> AsyncIterator[ParkedEvent]:
        """One key's events in order; those already yielded may leave meanwhile."""
        place = self._place
        after: ParkedPlace | None = None
        while True:
            page = await self._parking.parked(
                place.projection,
                key,
                generation=place.generation,
                partition=place.partition,
                after=after,
                limit=_PAGE,
            )
            for event in page:
                yield event
            if len(page) < _PAGE:
                return
            after = page[-1].place

    async def offsets(self, start: int, end: int) -> set[int]:
        """The offsets from `start` on and below `end` at which something is parked."""
        place = self._place
        found: set[int] = set()
        after = ParkedPlace(place.projection, place.generation, place.partition, start - 1)
        while True:
            page = await self._parking.parked(
                place.projection, generation=place.generation, partition=place.partition, after=after, limit=_PAGE
            )
            found.update(event.offset for event in page if event.offset < end)
            if len(page) < _PAGE or page[-1].offset >= end:
                return found
            after = page[-1].place

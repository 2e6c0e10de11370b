"""Parking: parked events by their place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from headwater.domain.free_text import told
from headwater.domain.version import check_count
from headwater.engines.memory.state import Part, State
from headwater.ports.parking import ParkedEvent, ParkedPlace, ParkedQueue

__all__ = ["MemoryParking", "set_aside"]


class MemoryParking(Part):
    async def queues(
        self, projection: str, generation: int, partition: int | None = None, limit: int | None = None
    ) -> Sequence[ParkedQueue]:
        if limit is not None:
            check_count(limit, "limit")
        by_key: dict[tuple[int, str], list[ParkedEvent]] = {}
        for place, event in sorted(self._state.parked.items()):
            if (place.projection, place.generation) == (projection, generation) and partition in (
                None,
                place.partition,
            ):
                by_key.setdefault((place.partition, event.key), []).append(event)
        return [_queue(events) for events in islice(by_key.values(), limit)]

    async def parked(
        self,
        projection: str | None = None,
        key: str | None = None,
        *,
        generation: int | None = None,
        partition: int | None = None,
        after: ParkedPlace | None = None,
        limit: int = 1_000,
    ) -> Sequence[ParkedEvent]:
        wanted = (
            event
            for place, event in sorted(self._state.parked.items())
            if projection in (None, place.projection)
            and key in (None, event.key)
            and generation in (None, place.generation)
            and partition in (None, place.partition)
            and (after is None or place > after)
        )
        return list(islice(wanted, check_count(limit, "limit")))

    async def park(self, event: ParkedEvent) -> None:
        set_aside(self._state, event)
        self._state.committed()

    async def edit(self, place: ParkedPlace, data: bytes) -> bool:
        parked = self._state.parked
        if place not in parked:
            return False
        parked[place] = msgspec.structs.replace(parked[place], data=data)
        self._state.committed()
        return True

    async def discard(self, place: ParkedPlace) -> bool:
        found = self._state.parked.pop(place, None) is not None
        if found:
            self._state.committed()
        return found


def set_aside(state: State, event: ParkedEvent) -> None:
    """Park one; parked before, it keeps edited data, and the attempts add up."""
    before = state.parked.get(event.place)
    if before is not None:
        data = before.data if event.data is None else event.data
        event = msgspec.structs.replace(event, attempts=before.attempts + event.attempts, data=data)
    shown = msgspec.structs.replace(event, error=event.error and told(event.error), trace=told(event.trace))
    state.parked[event.place] = shown


def _queue(events: list[ParkedEvent]) -> ParkedQueue:
    first = events[0]
    return ParkedQueue(
        projection=first.projection,
        generation=first.generation,
        partition=first.partition,
        key=first.key,
        first=first.offset,
        events=len(events),
        error=first.error,
        retry_at=first.retry_at,
    )

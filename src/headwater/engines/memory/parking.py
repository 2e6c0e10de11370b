"""Parking: parked events by their place."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.engines.memory.state import Part, State
from headwater.ports.parking import ParkedEvent

__all__ = ["MemoryParking", "set_aside"]


class MemoryParking(Part):
    async def parked(self, projection: str | None = None, key: str | None = None) -> Sequence[ParkedEvent]:
        return [
            event
            for _, event in sorted(self._state.parked.items(), key=lambda item: item[0])
            if projection in (None, event.projection) and key in (None, event.key)
        ]

    async def park(self, event: ParkedEvent) -> None:
        set_aside(self._state, event)
        self._state.committed()

    async def edit(self, projection: str, partition: int, offset: int, data: bytes) -> bool:
        parked = self._state.parked
        place = projection, partition, offset
        if place not in parked:
            return False
        parked[place] = msgspec.structs.replace(parked[place], data=data)
        self._state.committed()
        return True

    async def discard(self, projection: str, partition: int, offset: int) -> bool:
        found = self._state.parked.pop((projection, partition, offset), None) is not None
        if found:
            self._state.committed()
        return found


def set_aside(state: State, event: ParkedEvent) -> None:
    """Park one; parked before, it keeps edited data, and the attempts add up."""
    place = event.projection, event.partition, event.offset
    before = state.parked.get(place)
    if before is not None:
        data = before.data if event.data is None else event.data
        event = msgspec.structs.replace(event, attempts=before.attempts + event.attempts, data=data)
    state.parked[place] = event

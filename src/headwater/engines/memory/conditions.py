"""Conditions: pauses by projection, troubles by place."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.domain.free_text import told
from headwater.engines.memory.state import Part
from headwater.ports.conditions import Pause, Trouble
from headwater.ports.place import Place

__all__ = ["MemoryConditions"]


class MemoryConditions(Part):
    async def pause(self, pause: Pause) -> None:
        shown = msgspec.structs.replace(pause, by=told(pause.by), reason=told(pause.reason))
        self._state.pauses[pause.projection] = shown
        self._state.committed()

    async def resume(self, projection: str) -> bool:
        paused = self._state.pauses.pop(projection, None) is not None
        if paused:
            self._state.committed()
        return paused

    async def pauses(self) -> Sequence[Pause]:
        return [pause for _, pause in sorted(self._state.pauses.items(), key=lambda item: item[0])]

    async def report(self, place: Place, trouble: Trouble | None) -> None:
        troubles = self._state.troubles
        if trouble is not None:
            troubles[place] = msgspec.structs.replace(trouble, error=told(trouble.error), owner=told(trouble.owner))
        elif troubles.pop(place, None) is None:
            return
        self._state.committed()

    async def troubles(self) -> Sequence[Trouble]:
        return [trouble for _, trouble in sorted(self._state.troubles.items(), key=lambda item: item[0])]

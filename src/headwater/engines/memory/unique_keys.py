"""UniqueKeys: a dictionary from key to stream."""

from __future__ import annotations

from headwater.domain.append import UniqueKey
from headwater.engines.memory.state import Part

__all__ = ["MemoryUniqueKeys"]


class MemoryUniqueKeys(Part):
    async def holder(self, key: UniqueKey) -> str | None:
        return self._state.keys.get(key)

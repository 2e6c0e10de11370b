"""UniqueKeys: a dictionary from key to stream."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nsmallest

from headwater.domain.append import UniqueKey
from headwater.domain.version import check_count
from headwater.engines.memory.state import Part
from headwater.ports.unique_keys import HeldKey

__all__ = ["MemoryUniqueKeys"]


class MemoryUniqueKeys(Part):
    async def holder(self, key: UniqueKey) -> str | None:
        return self._state.keys.get(key)

    async def held(self, after: UniqueKey | None = None, limit: int = 1_000) -> Sequence[HeldKey]:
        check_count(limit, "limit")
        keys = self._state.keys
        page = nsmallest(limit, (key for key in keys if after is None or key > after))
        return [HeldKey(key, keys[key]) for key in page]

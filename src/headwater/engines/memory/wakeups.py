"""Wakeups: a counter of commits, and the futures of those who wait for it to move."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headwater.engines.memory.state import Part
from headwater.models.model import ReadModel

__all__ = ["MemoryWakeups"]


class MemoryWakeups(Part):
    def seen(self) -> int:
        return self._state.commits

    def others(self) -> int:
        return 0  # nobody else can write what is in this object

    async def wait(self, seen: int, timeout: float) -> int:
        state = self._state
        if state.commits <= seen:
            waiter = asyncio.get_running_loop().create_future()
            state.waiters.add(waiter)
            try:
                await asyncio.wait((waiter,), timeout=timeout)
            finally:
                state.waiters.discard(waiter)
        return state.commits

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return [self._state.rows.changes(model) for model in models]

    async def changes_elsewhere(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return [0] * len(models)

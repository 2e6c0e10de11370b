"""Slot list: every slot that has intents, of all partitions of the log, looked for once for all who ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, cast

from headwater.engines.cassandra.session import Session

__all__ = ["SlotList"]

_RANGES: Final = 64
"""Parts in which the table is walked: a read gives up where it meets too many tombstones, and those of a slot are gone
some minutes after it."""
_AT_ONCE: Final = 8
_FRESH: Final = 1.0
"""Seconds for which an answer is given again."""
_FIRST, _LAST = -(2**63), 2**63 - 1


class SlotList:
    """An answer may be a second old: what it misses is in a slot that is open still, or in the next answer."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._walk: asyncio.Task[dict[int, list[int]]] | None = None
        self._fresh_until = 0.0

    async def of(self, part: int) -> list[int]:
        """The slots of one partition of the log, the oldest first."""
        now = asyncio.get_running_loop().time()
        if self._walk is None or self._walk.cancelled() or (self._walk.done() and now > self._fresh_until):
            self._walk = asyncio.create_task(self._walked(), name="headwater-slots")
            self._walk.add_done_callback(self._done)
        return sorted((await asyncio.shield(self._walk)).get(part, ()))

    def _done(self, walk: asyncio.Task[dict[int, list[int]]]) -> None:
        if not walk.cancelled():
            walk.exception()  # told to whoever asked, if somebody still does
        self._fresh_until = asyncio.get_running_loop().time() + _FRESH

    async def _walked(self) -> dict[int, list[int]]:
        room, slots = asyncio.Semaphore(_AT_ONCE), dict[int, list[int]]()

        async def look(after: int, last: int) -> None:
            async with room:
                for part, slot in cast("list[tuple[int, int]]", await self._session.rows("list_slots", after, last)):
                    slots.setdefault(part, []).append(slot)

        await asyncio.gather(*[look(*ends) for ends in _token_ranges()])
        return slots


def _token_ranges() -> Iterator[tuple[int, int]]:
    """The ring in even parts; the lowest token is nobody's."""
    step = 2**64 // _RANGES
    return pairwise([*range(_FIRST, _LAST, step), _LAST])

"""following: whoever reads every partition of the log while it grows, and notes what should not be."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress

from headwater.errors import StoreUnavailable
from headwater.ports.engine import Engine
from headwater.ports.log import LogFilter
from tests.faults.history import Findings

__all__ = ["Reader"]

EVERYTHING = LogFilter(hidden=True)


class Reader:
    """Of a store that may be out of reach for a while."""

    def __init__(self, engine: Engine) -> None:
        self.seen: list[tuple[str, int]] = []
        """Stream and version, in the order in which they were read."""
        self.places: dict[tuple[int, int], tuple[str, int]] = {}
        """The same by partition and offset."""
        self.found = Findings()
        self._engine = engine
        self._next = [0] * engine.log.partitions
        self._versions: dict[str, int] = defaultdict(int)

    async def follow(self, done: asyncio.Event) -> None:
        """Until nothing new comes after `done`."""
        while True:
            is_over, seen = done.is_set(), self._engine.wakeups.seen()
            moved = [await self._read(partition) for partition in range(len(self._next))]
            if not any(moved):
                if is_over:
                    return
                await self._engine.wakeups.wait(seen, 0.2)

    async def _read(self, partition: int) -> bool:
        start = self._next[partition]
        with suppress(StoreUnavailable):
            page = await self._engine.log.read(partition, start, 500, EVERYTHING)
            for expected, event in enumerate(page.events, start):
                if event.offset != expected:
                    self.found.lost.append(f"partition {partition} jumps from {expected} to {event.offset}")
                if event.version != self._versions[event.stream] + 1:
                    self.found.reordered.append(f"{event.stream}@{event.version} after {self._versions[event.stream]}")
                self._versions[event.stream] = event.version
                self.seen.append((event.stream, event.version))
                self.places[partition, event.offset] = event.stream, event.version
            self._next[partition] = page.next
        return self._next[partition] > start

"""Reaching: waiting until a projection has come to an offset, wherever it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from headwater.projections.parts import ProjectionParts

__all__ = ["Deadline", "reached"]


class Deadline:
    """A moment by the application's clock, after which nobody waits any longer."""

    def __init__(self, parts: ProjectionParts, seconds: float) -> None:
        self._clock = parts.clock
        self._at = parts.clock.micros() + round(seconds * 1_000_000)

    @property
    def seconds_left(self) -> float:
        return max(0.0, (self._at - self._clock.micros()) / 1_000_000)


async def reached(parts: ProjectionParts, projection: str, partition: int, offset: int, deadline: Deadline) -> bool:
    """True once every effect of events below `offset` is committed; False if that is not so by the deadline.

    False at once if it ran here and gave up: see `Arrivals.failure`.

    Woken at once by a runner in this process; by the store's wake-ups where the projection runs in another.
    """
    while True:
        seen = parts.wakeups.seen()
        standing = parts.arrivals.at(projection, partition)
        at = standing.offset if standing else (await parts.store.checkpoint(projection, partition)).offset
        if at >= offset:
            return True
        seconds = deadline.seconds_left
        if seconds <= 0 or parts.arrivals.failure(projection, partition) is not None:
            return False
        arrival = parts.arrivals.wait(projection, partition, offset, seconds)
        if parts.arrivals.at(projection, partition) is not None:
            await arrival
        else:
            await _first(arrival, parts.wakeups.wait(seen, seconds))


async def _first(*waits: Coroutine[object, object, object]) -> None:
    """Until one of them is over: the projection may come to run here while another process is waited for."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

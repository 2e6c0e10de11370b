"""Reaching: waiting until what is served of a projection has come to an offset, wherever it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

from headwater.ports.generations import Generation
from headwater.ports.place import Place
from headwater.projections.parts import ProjectionParts

__all__ = ["Deadline", "failure_at", "places_of", "reached", "served_places"]


class Deadline:
    """A moment after which nobody waits any longer, however the clock is set meanwhile."""

    def __init__(self, parts: ProjectionParts, seconds: float) -> None:
        self._timer = parts.timer
        self._at = parts.timer() + round(seconds * 1_000_000)

    @property
    def seconds_left(self) -> float:
        return max(0.0, (self._at - self._timer()) / 1_000_000)


def places_of(generation: Generation, partitions: int) -> list[Place]:
    """Every place of a generation."""
    return [
        Place(generation.projection, partition, generation.number, key_range)
        for partition in range(partitions)
        for key_range in range(generation.key_ranges)
    ]


async def served_places(parts: ProjectionParts, projection: str) -> Sequence[Place]:
    """The places of the generation that is served; those of generation 0 where it never ran."""
    known = parts.arrivals.served.get(projection)
    if known is not None:
        return known
    served = [g for g in await parts.generations.all(projection) if g.state == "serving"]
    return places_of(served[0] if served else Generation(projection=projection, number=0), parts.log.partitions)


async def reached(parts: ProjectionParts, projection: str, partition: int, offset: int, deadline: Deadline) -> bool:
    """True once every effect of events below `offset` is committed and served; False if not so by the deadline.

    False at once if it ran here and gave up: see `failure_at`.

    Woken at once by a runner in this process; by the store's wake-ups where the projection runs in another.
    """
    while True:
        seen = parts.wakeups.seen()
        late = await _first_late(parts, projection, partition, offset)
        if late is None:
            return True
        seconds = deadline.seconds_left
        if seconds <= 0 or parts.arrivals.failure(late) is not None:
            return False
        with parts.arrivals.waiting(late, offset) as arrival:
            if parts.arrivals.at(late) is not None:
                await asyncio.wait([arrival], timeout=seconds)
            else:
                await _either(arrival, parts.wakeups.wait(seen, seconds))


def failure_at(parts: ProjectionParts, projection: str, partition: int) -> Exception | None:
    """Why it no longer runs here."""
    places = [place for place in parts.arrivals.served.get(projection, ()) if place.partition == partition]
    return next((error for place in places if (error := parts.arrivals.failure(place)) is not None), None)


async def _first_late(parts: ProjectionParts, projection: str, partition: int, offset: int) -> Place | None:
    for place in await served_places(parts, projection):
        if place.partition == partition:
            standing = parts.arrivals.at(place)
            at = standing.offset if standing else (await parts.store.checkpoint(place)).offset
            if at < offset:
                return place
    return None


async def _either(arrival: asyncio.Future[None], elsewhere: Coroutine[object, object, object]) -> None:
    """Until one of them is over: the projection may come to run here while another process is waited for."""
    task = asyncio.ensure_future(elsewhere)
    try:
        waits: list[asyncio.Future[None] | asyncio.Task[object]] = [arrival, task]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

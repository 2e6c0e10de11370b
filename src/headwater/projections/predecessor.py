"""Predecessor: what the generation served before has done of the side effects, and may be doing still."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.ports.generations import Generation
from headwater.ports.place import Place
from headwater.projections.parts import ProjectionParts
from headwater.projections.reaching import places_of

__all__ = ["Predecessor"]


class Predecessor:
    """Of one place: a swap finds whoever ran the generation before it in the middle of a page's side effects.

    They go on to the end, as long as their lease is kept, and say how far they have come; only then does the place
    go on from there. Without one there is nothing to wait for.
    """

    def __init__(self, parts: ProjectionParts, served: Generation, place: Place) -> None:
        self._parts = parts
        self._served = served
        self._place = place

    async def is_at_work(self) -> bool:
        """True while somebody holds a lease of the generation before."""
        names = {place.lease for place in await self._places()}
        return bool(names) and any(lease.name in names for lease in await self._parts.leases.holders())

    async def effects(self) -> int:
        """Below which offset its side effects have run: where keys are dealt otherwise, in all its ranges."""
        marks = [(await self._parts.store.checkpoint(place)).effects for place in await self._places()]
        return min(marks, default=0)

    async def _places(self) -> Sequence[Place]:
        """Where it had this place's keys."""
        for before in await self._parts.generations.all(self._place.projection):
            if before.state == "previous" and before.number != self._served.number:
                places = places_of(before, self._parts.log.partitions)
                return [place for place in places if self._meets(place, before)]
        return ()

    def _meets(self, place: Place, before: Generation) -> bool:
        same_ranges = before.key_ranges == self._served.key_ranges
        return place.partition == self._place.partition and (
            not same_ranges or place.key_range == self._place.key_range
        )

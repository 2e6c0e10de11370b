"""Handover: when a generation that is built takes the place of the one that is served."""

from __future__ import annotations

from collections import defaultdict

from headwater.errors import RebuildRefused, UnknownName
from headwater.ports.generations import Generation
from headwater.projections.parts import ProjectionParts

__all__ = ["Handover"]

_PATIENCE = 20
"""Swaps that found the served one ahead, before being near to it is enough."""


class Handover:
    """Tries the swap whenever it may succeed.

    Where the log never rests, the one served may be an event or two ahead at every try. After some tries it is
    handed over all the same, if it is no more than `near` offsets behind: what is served then steps back by so much
    for the moment its runner needs. Tokens do not lie meanwhile: who waits, waits for the generation that is served.
    """

    def __init__(self, generation: Generation, parts: ProjectionParts, near: int) -> None:
        self._generation = generation
        self._parts = parts
        self._near = near
        self._tries = 0

    async def done(self, filled: bool) -> bool:
        """True once it is served, by us or another; `filled` says that it has come to where the log ended once.

        Raises RebuildRefused if it was dropped, StoreError.
        """
        projection, number = self._generation.projection, self._generation.number
        known = {g.number: g.state for g in await self._parts.generations.all(projection)}
        if number not in known:
            raise RebuildRefused(f"the rebuild of {projection!r} was cancelled, or begun anew by other code")
        if known[number] != "building":
            return True  # another process that builds with us was first
        if not filled:
            return False
        served = next(number for number, state in known.items() if state == "serving")
        try:
            swapped = await self._parts.generations.swap(projection, number, force=await self._is_forced(served))
        except UnknownName:  # another process was first, or has dropped it, since we looked
            return await self.done(filled)
        self._tries += 1
        return swapped

    async def _is_forced(self, served: int) -> bool:
        """True where the checkpoints that are served cannot, or need not, be caught up with to the last event."""
        at: dict[int, dict[int, int]] = defaultdict(dict)
        for kept in await self._parts.store.checkpoints(self._generation.projection):
            of, partition = at[kept.place.generation], kept.place.partition
            of[partition] = min(kept.offset, of.get(partition, kept.offset))
        if await self._is_ahead_of_log(at[served]):
            return True
        built = at[self._generation.number]
        behind = max([offset - built.get(partition, 0) for partition, offset in at[served].items()], default=0)
        return self._tries >= _PATIENCE and behind <= self._near

    async def _is_ahead_of_log(self, offsets: dict[int, int]) -> bool:
        """True for checkpoints beyond the log's end, after a restored backup: nobody can catch up with those."""
        for partition, offset in offsets.items():
            if offset > await self._parts.log.head(partition):
                return True
        return False

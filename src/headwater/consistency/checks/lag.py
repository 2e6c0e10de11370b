"""Lag: how far projections are behind the log, and the wait until they are not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

from headwater.ports.generations import Generation, Generations
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionStore
from headwater.projections.parts import ProjectionParts
from headwater.projections.reaching import Deadline

__all__ = ["Lag", "Offsets", "Standing", "is_behind", "served", "standing"]

Offsets: TypeAlias = Sequence[int]
"""An offset for each partition of the log."""


class Standing:
    """Where a generation's checkpoints are."""

    def __init__(self, lowest: Offsets, highest: Offsets) -> None:
        self.lowest = lowest
        """Every event below has had its effect, unless it is parked."""
        self.highest = highest
        """No event from here on has had an effect."""


async def served(generations: Generations, projection: str) -> Generation:
    """The generation that queries see: number 0 for a projection that has begun none."""
    for generation in await generations.all(projection):
        if generation.state == "serving":
            return generation
    return Generation(projection=projection, number=0)


async def standing(store: ProjectionStore, generation: Generation, partitions: int) -> Standing:
    """The offsets of a generation, over its key ranges."""
    kept = {checkpoint.place: checkpoint.offset for checkpoint in await store.checkpoints(generation.projection)}
    ranges = range(generation.key_ranges)
    offsets = [
        [kept.get(Place(generation.projection, partition, generation.number, number), 0) for number in ranges]
        for partition in range(partitions)
    ]
    return Standing([min(each) for each in offsets], [max(each) for each in offsets])


class Lag:
    """Of the projections of an application, wherever they run."""

    def __init__(self, parts: ProjectionParts) -> None:
        self._parts = parts

    async def heads(self) -> Offsets:
        """The log's, as of now."""
        return [await self._parts.log.head(partition) for partition in range(self._parts.log.partitions)]

    async def passed(self, projections: Collection[str]) -> Offsets:
        """The offsets below which every one of these projections has had its effect."""
        partitions = self._parts.log.partitions
        lowest: list[Offsets] = []
        for name in projections:
            generation = await served(self._parts.generations, name)
            lowest.append((await standing(self._parts.store, generation, partitions)).lowest)
        return [min(each) for each in zip(*lowest, strict=True)]

    async def reached(self, projections: Collection[str], heads: Offsets, deadline: Deadline) -> bool:
        """True once they have passed these heads; False if they have not by the deadline."""
        while True:
            seen = self._parts.wakeups.seen()
            if not is_behind(await self.passed(projections), heads):
                return True
            if deadline.seconds_left <= 0:
                return False
            await self._parts.wakeups.wait(seen, deadline.seconds_left)


def is_behind(offsets: Offsets, heads: Offsets) -> bool:
    """True if some partition's offset is below its head."""
    return any(offset < head for offset, head in zip(offsets, heads, strict=True))

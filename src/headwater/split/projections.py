"""Projections of a log that is elsewhere: their store counts no partitions but its own, and these are the log's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from headwater.errors import CheckpointConflict
from headwater.ports.generations import Generations
from headwater.ports.log import Log
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit, ProjectionStore, Reset

__all__ = ["ProjectionsOfAnother"]


class ProjectionsOfAnother:
    """A ProjectionStore as it is, which resets every partition of the log, and speaks of no other."""

    def __init__(self, store: ProjectionStore, generations: Generations, log: Log) -> None:
        self._store = store
        self._generations = generations
        self._log = log
        self.checkpoint = store.checkpoint
        self.commit = store.commit
        self.write = store.write

    async def checkpoints(self, projection: str | None = None) -> Sequence[Checkpoint]:
        """As the store's, without those that a reset began for partitions only a log of its own would have."""
        return [kept for kept in await self._store.checkpoints(projection) if not self._is_spare(kept)]

    async def reset(self, reset: Reset) -> None:
        """As the store's. Places that never ran are begun under the reset's epoch, so that no older one begins them."""
        if reset.partition is None:
            for place in await self._never_ran(reset):
                with suppress(CheckpointConflict):  # it runs, or its generation is gone: the reset will say so
                    await self._store.commit(ProjectionCommit(place=place, epoch=reset.epoch, start=0, next=0))
        await self._store.reset(reset)

    def _is_spare(self, kept: Checkpoint) -> bool:
        return kept.place.partition >= self._log.partitions and not kept.offset and not kept.effects

    async def _never_ran(self, reset: Reset) -> list[Place]:
        name, number = reset.projection, reset.generation
        ran = {checkpoint.place for checkpoint in await self._store.checkpoints(name)}
        generations = await self._generations.all(name)
        ranges = next((each.key_ranges for each in generations if each.number == number), 1)
        places = [
            Place(name, partition, number, key_range)
            for partition in range(self._log.partitions)
            for key_range in range(ranges)
        ]
        return [place for place in places if place not in ran]

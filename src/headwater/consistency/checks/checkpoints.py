"""CheckpointsWithinLog: no checkpoint is ahead of its log."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.consistency.checks.check import Inconsistency, Part
from headwater.ports.log import Log
from headwater.ports.projection_store import Checkpoint, ProjectionStore

__all__ = ["CheckpointsWithinLog"]


class CheckpointsWithinLog:
    """Every checkpoint kept, of any generation: in a partition the log has, and not beyond its head.

    A runner refuses one that is (CheckpointAheadOfLog): most often a store was restored from an older backup than
    its read models. A rebuild mends it.
    """

    def __init__(self, store: ProjectionStore, log: Log) -> None:
        self._store = store
        self._log = log

    async def part(self, cursor: str) -> Part:
        """All of them: they are few. Heads are read after the checkpoints, as both only grow."""
        kept = await self._store.checkpoints()
        heads = [await self._log.head(partition) for partition in range(self._log.partitions)]
        found = [wrong for checkpoint in kept for wrong in _ahead(checkpoint, heads)]
        return Part(found=found, looked_at=len(kept))


def _ahead(checkpoint: Checkpoint, heads: list[int]) -> Iterator[Inconsistency]:
    place = checkpoint.place
    where = f"{place.projection}:{place.generation}:{place.partition}:{place.key_range}"
    if place.partition >= len(heads):
        yield Inconsistency(f"a checkpoint in partition {place.partition}: the log has {len(heads)}", where)
        return
    head = heads[place.partition]
    if checkpoint.offset > head:
        yield Inconsistency(f"a checkpoint at {checkpoint.offset:,}, ahead of the log, which ends at {head:,}", where)
    if checkpoint.effects > head:
        yield Inconsistency(f"side effects up to {checkpoint.effects:,}: the log ends at {head:,}", where)

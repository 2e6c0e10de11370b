"""Effect marks: a copied event has had its side effects, and is not to have them again."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.ports.engine import Engine
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit

__all__ = ["carry_marks"]


async def carry_marks(source: Engine, target: Engine, reached: Sequence[int]) -> dict[str, int]:
    """Mark the whole copy as done for each projection whose side effects have run for all that was copied.

    Positions are new, so a mark in the middle of the source's log is nowhere in the copy's. A projection that is behind
    gets none, and its side effects run again: repeating them is better than losing them. Returns how many events each
    of these is behind.

    Args:
        reached: how far each partition of the source was read.
    """
    served = {each.projection: each.number for each in await source.generations.all() if each.state == "serving"}
    kept: dict[str, list[Checkpoint]] = {}
    for checkpoint in await source.projections.checkpoints():
        place = checkpoint.place
        if place.generation == served.get(place.projection, 0):
            kept.setdefault(place.projection, []).append(checkpoint)
    behind = {projection: _behind(checkpoints, reached) for projection, checkpoints in kept.items()}
    for projection, checkpoints in kept.items():
        if not behind[projection]:
            await _mark(target, projection, 1 + max(each.place.key_range for each in checkpoints))
    return {projection: events for projection, events in behind.items() if events}


def _behind(checkpoints: Sequence[Checkpoint], reached: Sequence[int]) -> int:
    """Events whose side effects are to come, in the range of keys that is least far."""
    marks = {partition: 2**63 for partition, end in enumerate(reached) if end}
    for each in checkpoints:
        if each.place.partition in marks:
            marks[each.place.partition] = min(marks[each.place.partition], each.effects)
    missing = marks.keys() - {each.place.partition for each in checkpoints}
    marks |= dict.fromkeys(missing, 0)
    return sum(max(0, reached[partition] - mark) for partition, mark in marks.items())


async def _mark(target: Engine, projection: str, key_ranges: int) -> None:
    for partition in range(target.log.partitions):
        end = await target.log.head(partition)
        for key_range in range(key_ranges):
            place = Place(projection, partition=partition, key_range=key_range)
            await target.projections.commit(ProjectionCommit(place=place, epoch=0, start=0, next=0, effects=end))

"""Succession: when a generation may be served in place of another, and what it goes on with."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from headwater.ports.generations import Generation
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint

__all__ = ["Standing", "carried", "is_behind"]


class Standing:
    """How far a generation is, place by place; what has no checkpoint stands at 0."""

    def __init__(self, generation: Generation, checkpoints: Iterable[Checkpoint]) -> None:
        self.generation = generation
        self.checkpoints = {kept.place: kept for kept in checkpoints}
        self.partitions = sorted({place.partition for place in self.checkpoints})

    def at(self, place: Place) -> Checkpoint:
        return self.checkpoints.get(place, Checkpoint(place=place))

    def places(self, partition: int) -> list[Place]:
        """One for each of its key ranges."""
        each = self.generation
        return [Place(each.projection, partition, each.number, key_range) for key_range in range(each.key_ranges)]

    def offset(self, partition: int) -> int:
        """How far it is: as far as the last of its key ranges."""
        return min(self.at(place).offset for place in self.places(partition))


def is_behind(building: Standing, served: Standing) -> bool:
    """Whether in any partition it has still to come to where the one served is."""
    return any(building.offset(partition) < served.offset(partition) for partition in served.partitions)


def carried(taking_over: Standing, served: Standing) -> list[Checkpoint]:
    """Those of its checkpoints whose side effects have to go on later: where the served one's have come to.

    Where keys are dealt otherwise, that is the least of all its ranges.
    """
    same_ranges = taking_over.generation.key_ranges == served.generation.key_ranges
    moved: list[Checkpoint] = []
    for partition in served.partitions:
        done = [served.at(place).effects for place in served.places(partition)]
        for place in taking_over.places(partition):
            kept = taking_over.at(place)
            effects = done[place.key_range] if same_ranges else min(done)
            if effects > kept.effects:
                moved.append(msgspec.structs.replace(kept, effects=effects))
    return moved

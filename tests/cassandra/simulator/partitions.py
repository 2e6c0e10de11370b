"""Partitions: compare-and-set as Paxos does it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from headwater.engines.cassandra.protocol.replies import APPLIED, UNKNOWN, Answer, NotApplied
from tests.cassandra.simulator.chance import Chance
from tests.cassandra.simulator.partition import Fate, Limbo, Partition

__all__ = ["Partitions"]


class Partitions:
    """Every partition that is written conditionally, by its key."""

    def __init__(
        self,
        chance: Chance,
        commits_late: bool,
        decided: Callable[[Hashable, Mapping[str, object], Mapping[int, object]], None],
    ) -> None:
        self._chance = chance
        self._commits_late = commits_late
        self._decided = decided
        """Told of every write at the instant from which on it is certain."""
        self._partitions: dict[Hashable, Partition] = {}

    def of(self, key: Hashable) -> Partition:
        """A partition as it lies on the replicas."""
        found = self._partitions.get(key)
        if found is None:
            found = self._partitions[key] = Partition()
        return found

    def resolved(self, key: Hashable) -> Partition:
        """A partition as a serial operation finds it: whatever was half done is completed, or dropped for good."""
        partition = self.of(key)
        limbo = partition.limbo
        if limbo is not None:
            partition.limbo = None
            if limbo.fate is Fate.PARTLY:
                if self._chance.pick(2):
                    return partition
                self._decided(key, limbo.statics, limbo.rows)
            partition.commit(limbo.statics, limbo.rows)
        return partition

    def decided(self, key: Hashable) -> Mapping[str, object]:
        """The statics of a partition as they are certain to become."""
        partition = self.of(key)
        if partition.limbo is None or partition.limbo.fate is Fate.PARTLY:
            return partition.statics
        return partition.statics | dict(partition.limbo.statics)

    def compare_and_set(
        self,
        key: Hashable,
        expected: Mapping[str, object],
        statics: Mapping[str, object],
        rows: Mapping[int, object],
        fate: Fate,
    ) -> Answer[Partition]:
        """Write statics and rows if the statics are as expected, where None stands for what is not there."""
        partition = self.resolved(key)
        held = partition.statics
        for name, value in expected.items():
            if held.get(name) != value:
                return NotApplied(partition)
        if fate is Fate.PARTLY:
            partition.limbo = Limbo(fate, statics, rows)
            return UNKNOWN
        self._decided(key, statics, rows)
        if fate is Fate.DONE and self._commits_late and self._chance.pick(2):
            fate = Fate.VISIBLE
        if fate is Fate.DONE:
            partition.commit(statics, rows)
        else:
            partition.limbo = Limbo(fate, statics, rows)
        return APPLIED

"""What a replica set holds: partitions that are written by compare-and-set, and cells that are not."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from tests.cassandra.simulator.chance import Chance

__all__ = ["DELETED", "Cell", "Deleted", "Fate", "Limbo", "Partition"]

V = TypeVar("V")


class Deleted:
    """A tombstone."""


DELETED = Deleted()


class Fate(Enum):
    """What becomes of a write."""

    DONE = "on a quorum"
    PARTLY = "a plain write on a minority, a conditional one accepted by a minority: the next serial operation decides"
    VISIBLE = "decided, and committed on some replicas: a read sees any part of it"
    HIDDEN = "decided, and committed nowhere: the next serial operation completes it"


class Limbo(NamedTuple):
    """A compare-and-set that is not committed on a quorum."""

    fate: Fate
    statics: Mapping[str, object]
    rows: Mapping[int, object]


class Partition:
    """One that is written by compare-and-set alone."""

    __slots__ = ("limbo", "rows", "statics")

    def __init__(self) -> None:
        self.statics: dict[str, object] = {}
        self.rows: dict[int, object] = {}
        self.limbo: Limbo | None = None

    def commit(self, statics: Mapping[str, object], rows: Mapping[int, object]) -> None:
        self.statics.update(statics)
        self.rows.update(rows)

    def seen_statics(self, chance: Chance) -> dict[str, object]:
        """What a read at QUORUM sees: all statics that are visible in limbo, or none, for a replica has the cells that
        one write makes in one row together."""
        if self.limbo is None or self.limbo.fate is not Fate.VISIBLE:
            return self.statics
        return self.statics | dict(self.limbo.statics) if chance.pick(2) else self.statics

    def seen_rows(self, chance: Chance) -> dict[int, object]:
        """Any of the rows that are visible in limbo."""
        if self.limbo is None or self.limbo.fate is not Fate.VISIBLE:
            return self.rows
        return self.rows | {place: row for place, row in self.limbo.rows.items() if chance.pick(2)}


class Cell(Generic[V]):
    """A value written with timestamps: the highest is what a quorum holds, a minority may hold others."""

    __slots__ = ("held", "partly")

    def __init__(self) -> None:
        self.held: tuple[int, V | Deleted] | None = None
        self.partly: list[tuple[int, V | Deleted]] = []

    def write(self, timestamp: int, value: V | Deleted, fate: Fate = Fate.DONE) -> None:
        if fate is Fate.PARTLY:
            self.partly.append((timestamp, value))
        else:
            self.held = _later(self.held, (timestamp, value))

    def read(self, chance: Chance) -> V | None:
        """What a read at QUORUM sees; None where nothing is, or it is deleted."""
        seen = self.held
        for written in self.partly:
            if chance.pick(2):
                seen = _later(seen, written)
        return None if seen is None or isinstance(seen[1], Deleted) else seen[1]

    def repair(self, chance: Chance) -> None:
        """What only a minority holds spreads, or vanishes."""
        partly, self.partly = self.partly, []
        for timestamp, value in partly:
            if chance.pick(2):
                self.write(timestamp, value)


def _later(one: tuple[int, V | Deleted] | None, other: tuple[int, V | Deleted]) -> tuple[int, V | Deleted]:
    """At the same timestamp a tombstone wins, else the larger value."""
    if one is None or other[0] > one[0]:
        return other
    if other[0] < one[0] or isinstance(one[1], Deleted):
        return one
    return other if isinstance(other[1], Deleted) or repr(other[1]) > repr(one[1]) else one

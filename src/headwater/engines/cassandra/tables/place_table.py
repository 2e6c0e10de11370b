"""Place table: how far projections are at their places, compared and set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from headwater.engines.cassandra.session import Session, Step
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, DecidedPage

__all__ = ["Mark", "PartKey", "PlaceTable", "checkpoint_of", "part_key"]

_NONE: Final = b"[]"
_Row: TypeAlias = tuple[int, int, int, int, int | None, bytes | None]

PartKey: TypeAlias = tuple[str, int, int]
"""Projection, generation, partition of the log: what lies together, and is compared and set together."""


class Mark(msgspec.Struct, frozen=True):
    """A checkpoint as it is kept; as by itself where there is none."""

    offset: int = 0
    epoch: int = 0
    effects: int = 0
    era: int = 0
    """How often events below the checkpoint were handled once more: what is written then wins over what was before."""
    decided: int | None = 0
    """The offset after the page that is being written; beyond `offset` only while one is."""
    left_out: bytes | None = _NONE
    """The offsets of its events that made no changes, as JSON."""

    @property
    def page(self) -> DecidedPage | None:
        """What is to be finished."""
        if self.decided is None or self.decided <= self.offset:
            return None
        return DecidedPage(next=self.decided, left_out=_decode(self.left_out or _NONE))

    def deciding(self, next: int, epoch: int, left_out: Sequence[int]) -> Mark:
        """With a page up to `next` about to be written."""
        return msgspec.structs.replace(self, epoch=epoch, decided=next, left_out=msgspec.json.encode(left_out))

    def moved(self, next: int, epoch: int, effects: int | None) -> Mark:
        """At `next`, nothing being written; where it does not move, what is being written is still to be."""
        if next == self.offset:
            decided, left_out = self.decided, self.left_out
        else:
            decided, left_out = next, _NONE
        return Mark(next, epoch, self.effects if effects is None else effects, self.era, decided, left_out)


_decode = msgspec.json.Decoder(tuple[int, ...]).decode


class PlaceTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def read(self, place: Place, serially: bool = False) -> Mark | None:
        """With all that was acknowledged; `serially`: what was not is decided now."""
        key = *part_key(place), place.key_range
        row = await self._session.row("read_checkpoint", *key, serially=serially)
        return None if row is None else Mark(*cast("_Row", row))

    async def read_part(self, key: PartKey, serially: bool = False) -> dict[int, Mark]:
        """Those of one generation in one partition of the log, by range of keys."""
        rows = await self._session.rows("read_checkpoints", *key, serially=serially)
        return {number: Mark(*cast("_Row", mark)) for number, *mark in cast("list[tuple[int, object]]", rows)}

    async def keys(self, projection: str | None = None, generation: int | None = None) -> Sequence[PartKey]:
        """Where anything is kept, or parked, in order."""
        found = cast("list[PartKey]", [tuple(row) for row in await self._session.rows("list_place_keys")])
        return sorted(key for key in found if projection in (None, key[0]) and generation in (None, key[1]))

    async def exchange(
        self, key: PartKey, seen: Mapping[int, Mark], wanted: Mapping[int, Mark], steps: Sequence[Step] = ()
    ) -> bool:
        """Have these marks, and what else is to be done in this partition, all at once; False, and nothing is done,
        unless each of the marks is as it was seen."""
        marks = [_step(key, number, seen.get(number), mark) for number, mark in wanted.items()]
        return await self._session.compare_and_set(*marks, *steps) is None

    async def forget(self, key: PartKey) -> None:
        """Nothing is kept of this generation in this partition any more."""
        if not await self.read_part(key):
            await self.exchange(key, {}, {0: Mark()})  # what is compared when the parked ones go
        for number in await self.read_part(key):
            await self._session.compare_and_set(("delete_checkpoint", (*key, number)), ("drop_all_parked", key))


def part_key(place: Place) -> PartKey:
    return place.projection, place.generation, place.partition


def checkpoint_of(key: PartKey, key_range: int, mark: Mark) -> Checkpoint:
    projection, generation, part = key
    place = Place(projection, part, generation, key_range)
    return Checkpoint(place=place, offset=mark.offset, epoch=mark.epoch, effects=mark.effects, decided=mark.page)


def _step(key: PartKey, number: int, seen: Mark | None, wanted: Mark) -> Step:
    values = wanted.offset, wanted.epoch, wanted.effects, wanted.era, wanted.decided, wanted.left_out
    if seen is None:
        return "insert_checkpoint", (*key, number, *values)
    return "update_checkpoint", (*values, *key, number, seen.offset, seen.epoch, seen.effects, seen.era, seen.decided)

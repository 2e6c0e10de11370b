"""RowHashes: the rows of a projection against what their events make of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

from headwater.consistency.checks.check import Inconsistency, Part
from headwater.consistency.checks.lag import Offsets, Standing, served, standing
from headwater.consistency.checks.replay import KeyReplay, RowKey, key_text, row_keys
from headwater.models.criteria import All, Compare, Criteria
from headwater.models.hashing import row_hash
from headwater.models.model import ReadModel, schema_of
from headwater.ports.generations import Generation
from headwater.ports.read_models import ReadModels, Selection
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection

__all__ = ["RowHashes"]

Place: TypeAlias = "tuple[type[ReadModel], str]"
"""A read model and a key as text."""

_PAGE: Final = 1_000
_PROBED: Final = 200


class RowHashes:
    """A sample of keys: their rows as served, and as their events below the checkpoint make them anew, by hash.

    Keys are dealt into shares of about `sample` rows; each part reads the rows and the log once and handles, in
    memory, the events of one share. So a part shows rows that differ, that are missing, and that no event makes.

    For projections whose rows have the key the projection orders by (`key=`, or else the stream or its id), and whose
    handlers read no others, as with every fold. Another one is passed over, and the result says why. Left out, too,
    are keys with parked events, with events of several partitions whose order counts, and those that change meanwhile.
    """

    def __init__(self, parts: ProjectionParts, projection: Projection, *, sample: int = 10_000) -> None:
        self._parts = parts
        self._projection = projection
        self._sample = sample

    async def part(self, cursor: str) -> Part:
        """A cursor is the number of a share and how many there are, as in `3/40`."""
        generation = await served(self._parts.generations, self._projection.name)
        rows = self._parts.generations.rows(generation.projection, generation.number, self._projection.writes)
        share = _Share.at(cursor) if cursor else _Share(0, await self._shares(rows))
        before = await self._standing(generation)
        row_key = await self._row_key(before.lowest)
        if isinstance(row_key, str):
            return self._no_sample(row_key)
        kept = {place: row_hash(row) async for place, row in self._rows(rows, share)}
        after = await self._standing(generation)
        replay = KeyReplay(self._parts, self._projection, row_key, share.holds)
        for partition, (until, maybe_until) in enumerate(zip(before.lowest, after.highest, strict=True)):
            await replay.read(partition, until, maybe_until)
        if replay.strayed:
            return self._no_sample(replay.strayed)
        made = {place: row_hash(row) for place, row in replay.rows.items()}
        doubtful = replay.unsettled | await self._parked(generation)
        places = {place for place in kept.keys() | made.keys() if place[1] not in doubtful}
        found = list(self._differences(kept, made, places))
        return Part(found=found, next=share.next, looked_at=len(places), passed_over=self._left_out(replay, doubtful))

    async def _row_key(self, lowest: Offsets) -> RowKey | str:
        """What tells the row of an event, as the first events show; or why nothing does."""
        why = ""
        for row_key in row_keys(self._projection):
            probe = KeyReplay(self._parts, self._projection, row_key, lambda _: True, most=_PROBED)
            for partition, until in enumerate(lowest):
                await probe.read(partition, until, until)
            if not probe.strayed:
                return row_key
            why = why or probe.strayed
        return why

    def _left_out(self, replay: KeyReplay, doubtful: set[str]) -> list[str]:
        if not doubtful:
            return []
        why = "joined from several partitions, or changed meanwhile" if replay.unsettled else "parked"
        return [f"{self._projection.name!r}: keys with events that are {why} are left out"]

    def _no_sample(self, why: str) -> Part:
        return Part(passed_over=[f"{self._projection.name!r} {why}: compare whole generations"])

    async def _shares(self, rows: ReadModels) -> int:
        counts = [await rows.count(model, All()) for model in self._projection.writes]
        return max(1, math.ceil(sum(counts) / self._sample))

    async def _standing(self, generation: Generation) -> Standing:
        return await standing(self._parts.store, generation, self._parts.log.partitions)

    async def _rows(self, rows: ReadModels, share: _Share) -> AsyncIterator[tuple[Place, ReadModel]]:
        """Every row of the share, by model and key, read in pages."""
        for model in self._projection.writes:
            schema = schema_of(model)
            criteria: Criteria = All()
            while page := await rows.find(model, Selection(criteria=criteria, limit=_PAGE)):
                for row in page:
                    if share.holds(key := key_text(schema.key_of(row))):
                        yield (model, key), row
                criteria = Compare(schema.key, ">", schema.key_of(page[-1]))

    async def _parked(self, generation: Generation) -> set[str]:
        queues = await self._parts.parking.queues(generation.projection, generation.number)
        keys = {queue.key for queue in queues}
        return keys | {key.partition("-")[2] for key in keys}  # of a stream, its row may have the id

    def _differences(
        self, kept: Mapping[Place, bytes], made: Mapping[Place, bytes], places: Iterable[Place]
    ) -> Iterator[Inconsistency]:
        for place in sorted(places, key=lambda place: (place[0].__name__, place[1])):
            model, key = place
            if kept.get(place) == made.get(place):
                continue
            if place not in made:
                what = "no event makes this row"
            elif place not in kept:
                what = "this row is missing"
            else:
                what = "this row differs from what its events make"
            yield Inconsistency(what, f"{self._projection.name}: {schema_of(model).table} {key}")


class _Share(msgspec.Struct, frozen=True):
    """One of `count` shares of all keys, dealt by a hash of the key."""

    number: int
    count: int

    @classmethod
    def at(cls, cursor: str) -> _Share:
        number, _, count = cursor.partition("/")
        return cls(int(number), int(count))

    @property
    def next(self) -> str | None:
        return f"{self.number + 1}/{self.count}" if self.number + 1 < self.count else None

    def holds(self, key: str) -> bool:
        """True for a key of this share."""
        if self.count == 1:
            return True
        digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest) % self.count == self.number

"""Generations: which tables hold which filling of a projection's read models, and which of them is served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

import msgspec

from headwater.domain.version import check_count
from headwater.engines.cassandra.clearing import Clearing
from headwater.engines.cassandra.rows.rows import Rows
from headwater.engines.cassandra.rows.served import Served
from headwater.engines.cassandra.rows.served_tables import ServedTables
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.stage import Filling, Stage
from headwater.engines.cassandra.tables.generation_table import GenerationTable
from headwater.engines.cassandra.tables.place_table import Mark, PartKey, PlaceTable, checkpoint_of
from headwater.engines.sql.kept_generations import known_or_unknown
from headwater.engines.sql.new_generation import check_version, check_wanted, is_wanted, new_generation
from headwater.engines.sql.succession import Standing, carried, is_behind
from headwater.errors import StoreBusy, UnknownName
from headwater.models.model import ReadModel, schema_of
from headwater.ports.clock import Clock
from headwater.ports.generations import Generation, NewGeneration, State
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.ports.read_models import ReadModels

__all__ = ["CassandraGenerations"]

replace = msgspec.structs.replace

_TRIES: Final = 50


class CassandraGenerations:
    """A swap is one compare-and-set. The epochs are outdated before it, and after it once more where somebody has
    taken a lease in between: so who works on after it knows of it."""

    def __init__(
        self,
        session: Session,
        places: PlaceTable,
        generations: GenerationTable,
        served: ServedTables,
        rows: Rows,
        clearing: Clearing,
        reads: Callable[[Served], ReadModels],
        clock: Clock,
        committed: Callable[[], None],
    ) -> None:
        self._session = session
        self._places = places
        self._generations = generations
        self._served = served
        self._rows = rows
        self._clearing = clearing
        self._reads = reads
        self._now = clock.micros
        self._committed = committed

    async def all(self, projection: str | None = None) -> Sequence[Generation]:
        stages = await self._generations.all()
        return [
            filling.generation
            for stage in stages
            if projection in (None, stage.projection)
            for filling in stage.fillings
        ]

    async def begin(self, wanted: NewGeneration, beside: bool = True) -> Generation:
        check_wanted(wanted)
        await self._clearing.clear(wanted.projection)
        stage, now = await self._generations.read(wanted.projection), self._now()
        _, planned = _begin(stage, wanted, beside, now, 0)
        if planned in stage.fillings:
            return planned.generation
        number = None
        if planned.generation.state == "building":
            number = await self._generations.change(wanted.projection, _numbered)
            await self._rows.ensure(wanted.models, number)
        begun = await self._generations.change(
            wanted.projection, lambda seen: _begin(seen, wanted, beside, now, number)
        )
        if number is not None and number not in begun.tables.values():  # others were faster
            await self._rows.drop([str(schema_of(model).table) for model in wanted.models], number)
        await self._clearing.clear(wanted.projection)
        self._committed()
        return begun.generation

    async def swap(
        self,
        projection: str,
        number: int,
        was: Literal["building", "previous"] = "building",
        force: bool = False,
    ) -> bool:
        check_count(number, "generation")
        before, after = await self._standings(projection, number, was)
        if was == "building" and not force and is_behind(after, before):
            return False
        await self._outdate([*before.checkpoints, *after.checkpoints])
        before, after = await self._standings(projection, number, was)
        if was == "building" and not force and is_behind(after, before):
            return False  # it was caught up with while it was looked at; whoever works on it only begins anew
        moved = carried(after, before)
        await self._carry(moved)
        await self._generations.change(projection, lambda stage: (_swapped(stage, number, was), None))
        self._served.forget()
        places = {*before.checkpoints, *after.checkpoints, *[kept.place for kept in moved]}
        await self._outdate(places, once_more=True)
        await self._clearing.clear(projection)
        self._committed()
        return True

    async def drop(self, projection: str, number: int) -> bool:
        check_count(number, "generation")
        is_dropped = await self._generations.change(projection, lambda stage: _dropped(stage, number))
        await self._clearing.clear(projection)
        if is_dropped:
            self._committed()
        return is_dropped

    def rows(self, projection: str, number: int, models: Sequence[type[ReadModel]]) -> ReadModels:
        wanted = frozenset(models)

        async def number_of(model: type[ReadModel]) -> int:
            if model not in wanted:
                raise UnknownName(f"projection {projection!r} has no rows of {model.__name__}: it does not write it")
            stage = await self._generations.read(projection)
            known_or_unknown(stage.kept, projection, number)
            found = stage.number_of(stage.known[number], str(schema_of(model).table))
            if found is None:
                raise UnknownName(f"generation {number} of projection {projection!r} has no rows of {model.__name__}")
            return found

        return self._reads(number_of)

    # -- places ------------------------------------------------------------------

    async def _standings(self, projection: str, number: int, was: State) -> tuple[Standing, Standing]:
        """Of the one that is served, and of the one to be served. Raises UnknownName."""
        served, chosen = _served_and_chosen(await self._generations.read(projection), number, was)
        return await self._standing(served), await self._standing(chosen)

    async def _standing(self, filling: Filling) -> Standing:
        each = filling.generation
        keys = await self._places.keys(each.projection, each.number)
        parts = await asyncio.gather(*[self._places.read_part(key, serially=True) for key in keys])
        marks = [(key, number, mark) for key, part in zip(keys, parts, strict=True) for number, mark in part.items()]
        return Standing(each, [checkpoint_of(key, number, mark) for key, number, mark in marks])

    async def _outdate(self, places: Iterable[Place], once_more: bool = False) -> None:
        """Whoever works on a generation, by its checkpoints or by the leases of its places, has an older epoch now.

        `once_more`: only where a lease was taken since.
        """
        await asyncio.gather(*[self._outdate_place(place, once_more) for place in places])

    async def _outdate_place(self, place: Place, once_more: bool) -> None:
        row = await self._session.row("read_lease", place.lease, serially=True)
        held = 0 if row is None else int(str(row[1]))

        def outdated(mark: Mark) -> Mark:
            is_outdated = once_more and mark.epoch > held
            return mark if is_outdated else replace(mark, epoch=1 + max(mark.epoch, held))

        await self._change(place, outdated)

    async def _carry(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Side effects go on where those of the one served have come to."""

        def effects_of(kept: Checkpoint) -> Callable[[Mark], Mark]:
            return lambda mark: replace(mark, effects=max(mark.effects, kept.effects))

        await asyncio.gather(*[self._change(kept.place, effects_of(kept)) for kept in checkpoints])

    async def _change(self, place: Place, change: Callable[[Mark], Mark]) -> None:
        key: PartKey = place.projection, place.generation, place.partition
        for _ in range(_TRIES):
            mark = await self._places.read(place, serially=True)
            seen = {} if mark is None else {place.key_range: mark}
            wanted = change(mark or Mark())
            if wanted == mark or await self._places.exchange(key, seen, {place.key_range: wanted}):
                return
        raise StoreBusy(f"others move the checkpoints of {place.projection!r} all the time: try again later")


# -- deeds ---------------------------------------------------------------------------


def _numbered(stage: Stage) -> tuple[Stage, int]:
    after = stage.numbered()
    return after, after.tables.numbers


def _begin(stage: Stage, wanted: NewGeneration, beside: bool, now: int, number: int | None) -> tuple[Stage, Filling]:
    """The first one, the one that is wanted already, or a new one in tables of this number. Raises RebuildRefused."""
    served, building = stage.begun_in("serving"), stage.begun_in("building")
    if served is not None and not beside:
        return stage, served
    if building is not None and is_wanted(building.generation, wanted):
        return stage, building
    check_version([each.kept for each in (served, building) if each is not None], wanted)
    if served is not None and number is None:
        raise StoreBusy(f"others begin generations of {wanted.projection!r} at this moment: try again")
    if building is not None:
        stage = stage.without(building)
    kept = new_generation(wanted, stage.begun, "serving" if served is None else "building", now)
    filling = Filling(kept.generation, dict.fromkeys(kept.tables, number or 0))
    return stage.with_filling(filling), filling


def _served_and_chosen(stage: Stage, number: int, was: State) -> tuple[Filling, Filling]:
    served, chosen = stage.begun_in("serving"), stage.known.get(number)
    if served is None or chosen is None or chosen.generation.state != was:
        raise UnknownName(
            f"projection {stage.projection!r} has no generation {number} being built or served before: "
            "see which it has, or rebuild it first"
        )
    return served, chosen


def _swapped(stage: Stage, number: int, was: State) -> Stage:
    served, chosen = _served_and_chosen(stage, number, was)
    previous = stage.begun_in("previous")
    if previous is not None and previous is not chosen:
        stage = stage.without(previous)
    return stage.serving(served, chosen)


def _dropped(stage: Stage, number: int) -> tuple[Stage, bool]:
    filling = stage.known.get(number)
    if filling is None or filling.generation.state == "serving":
        return stage, False
    return stage.without(filling), True

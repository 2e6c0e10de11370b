"""Generations: the served rows in the store's own tables, those of the others beside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from headwater.engines.memory.read_models import MemoryReadModels
from headwater.engines.memory.rows import Rows
from headwater.engines.memory.state import Filling, Part, State
from headwater.errors import RebuildRefused, UnknownName
from headwater.models.model import ReadModel
from headwater.ports.generations import Generation, NewGeneration
from headwater.ports.generations import State as Standing
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.ports.read_models import ReadModels

__all__ = ["MemoryGenerations", "places_of", "rows_of", "served"]

replace = msgspec.structs.replace


class MemoryGenerations(Part):
    async def all(self, projection: str | None = None) -> Sequence[Generation]:
        return [
            filling.generation
            for name, fillings in sorted(self._state.fillings.items())
            if projection in (None, name)
            for _, filling in sorted(fillings.items())
        ]

    async def begin(self, wanted: NewGeneration, beside: bool = True) -> Generation:
        state = self._state
        serving, building = _standing(state, wanted.projection, "serving"), _building(state, wanted.projection)
        if serving is None:
            return _add(state, wanted, "serving")
        if not beside:
            return serving
        if building is not None and _is_wanted(building, wanted):
            return building
        _check_version(building or serving, wanted)
        if building is not None:
            _forget(state, building)
        return _add(state, wanted, "building")

    async def swap(self, projection: str, number: int, was: Standing = "building", force: bool = False) -> bool:
        state = self._state
        serving, to_serve = served(state, projection), _other(state, projection, number)
        if to_serve is None or to_serve.state != was:
            raise UnknownName(
                f"projection {projection!r} has no generation {number} being built or served before: "
                "see which it has, or rebuild it first"
            )
        if to_serve.state == "building" and not force and _is_behind(state, to_serve, serving):
            return False
        previous = _standing(state, projection, "previous")
        if previous is not None and previous is not to_serve:
            _forget(state, previous)
        _exchange_rows(state, serving, to_serve)
        _carry_effects(state, serving, to_serve)
        _outdate_epochs(state, projection, {serving.number, number})
        _set_standing(state, serving, "previous")
        _set_standing(state, to_serve, "serving")
        state.committed()
        return True

    async def drop(self, projection: str, number: int) -> bool:
        found = _other(self._state, projection, number)
        if found is None:
            return False
        _forget(self._state, found)
        self._state.committed()
        return True

    def rows(self, projection: str, number: int, models: Sequence[type[ReadModel]]) -> ReadModels:
        return _GenerationRows(self._store, projection, number, models)


class _GenerationRows(MemoryReadModels):
    """Reads of one generation's rows, wherever they are by then."""

    def __init__(self, state: State, projection: str, number: int, models: Sequence[type[ReadModel]]) -> None:
        super().__init__(state)
        self._projection, self._number, self._models = projection, number, models

    @property
    def _rows(self) -> Rows:
        rows = rows_of(self._state, self._projection, self._number)
        if rows is None:
            raise UnknownName(f"projection {self._projection!r} has no generation {self._number}: see which it has")
        return rows.only(self._models)


def served(state: State, projection: str) -> Generation:
    """The generation that queries see: number 0 for a projection that has begun none."""
    return _standing(state, projection, "serving") or Generation(projection=projection, number=0)


def rows_of(state: State, projection: str, number: int) -> Rows | None:
    """Where a generation's rows are; None if it is not known."""
    if number == served(state, projection).number:
        return state.rows
    filling = state.fillings.get(projection, {}).get(number)
    return None if filling is None else filling.beside


def places_of(state: State, generation: Generation, partitions: Iterable[int]) -> list[Place]:
    """Every place of a generation in these partitions."""
    return [
        Place(generation.projection, partition, generation.number, key_range)
        for partition in partitions
        for key_range in range(generation.key_ranges)
    ]


# -- what there is -----------------------------------------------------------


def _standing(state: State, projection: str, wanted: Standing) -> Generation | None:
    generations = (filling.generation for filling in state.fillings.get(projection, {}).values())
    return next((generation for generation in generations if generation.state == wanted), None)


def _building(state: State, projection: str) -> Generation | None:
    return _standing(state, projection, "building")


def _other(state: State, projection: str, number: int) -> Generation | None:
    """A generation that is not served."""
    filling = state.fillings.get(projection, {}).get(number)
    return None if filling is None or filling.generation.state == "serving" else filling.generation


def _is_wanted(building: Generation, wanted: NewGeneration) -> bool:
    return (building.version, building.fingerprint, building.key_ranges) == (
        wanted.version,
        wanted.fingerprint,
        wanted.key_ranges,
    )


def _check_version(latest: Generation, wanted: NewGeneration) -> None:
    if wanted.version < latest.version:
        raise RebuildRefused(
            f"projection {wanted.projection!r} is at version {latest.version} ({latest.state}), "
            f"version {wanted.version} is older: deploy version {latest.version} or a later one, "
            "or switch back to the generation served before"
        )


# -- coming and going --------------------------------------------------------


def _add(state: State, wanted: NewGeneration, standing: Standing) -> Generation:
    projection = wanted.projection
    generation = Generation(
        projection=projection,
        number=state.numbers[projection],
        version=wanted.version,
        fingerprint=wanted.fingerprint,
        key_ranges=wanted.key_ranges,
        state=standing,
        began_at=state.now(),
    )
    filling = Filling(generation, tuple(wanted.models), Rows())
    if standing == "building":
        filling.beside.make(wanted.models)
    state.fillings.setdefault(projection, {})[generation.number] = filling
    state.numbers[projection] += 1
    state.committed()
    return generation


def _forget(state: State, generation: Generation) -> None:
    projection, number = generation.projection, generation.number
    del state.fillings[projection][number]
    for place in [place for place in state.checkpoints if (place.projection, place.generation) == (projection, number)]:
        del state.checkpoints[place]
    for place in [place for place in state.troubles if (place.projection, place.generation) == (projection, number)]:
        del state.troubles[place]
    for parked in [place for place in state.parked if (place.projection, place.generation) == (projection, number)]:
        del state.parked[parked]


def _set_standing(state: State, generation: Generation, standing: Standing) -> None:
    state.fillings[generation.projection][generation.number].generation = replace(generation, state=standing)


# -- the swap ----------------------------------------------------------------


def _is_behind(state: State, building: Generation, serving: Generation) -> bool:
    partitions = _partitions(state, serving)
    return any(_offset(state, building, partition) < _offset(state, serving, partition) for partition in partitions)


def _exchange_rows(state: State, serving: Generation, to_serve: Generation) -> None:
    """Tables change places. What stands where others come goes with the one that was served."""
    fillings = state.fillings[serving.projection]
    old, new = fillings[serving.number], fillings[to_serve.number]
    old.models = tuple(dict.fromkeys((*old.models, *new.models)))
    for model in old.models:
        before, after = state.rows.take(model), new.beside.take(model)
        if after is not None:
            after.index([] if before is None else before.indexed)
            state.rows.put(model, after)
        if before is not None:
            old.beside.put(model, before)


def _carry_effects(state: State, serving: Generation, to_serve: Generation) -> None:
    """Side effects go on where those of the one served have come to, at the latest."""
    for place in places_of(state, to_serve, _partitions(state, serving)):
        before = [
            _kept(state, of).effects
            for of in places_of(state, serving, [place.partition])
            if serving.key_ranges != to_serve.key_ranges or of.key_range == place.key_range
        ]
        kept = _kept(state, place)
        if min(before) > kept.effects:
            state.checkpoints[place] = replace(kept, effects=min(before))


def _outdate_epochs(state: State, projection: str, numbers: set[int]) -> None:
    for place, kept in state.checkpoints.items():
        if place.projection == projection and place.generation in numbers:
            held = state.leases.get(place.lease)
            state.checkpoints[place] = replace(kept, epoch=max(kept.epoch, held.lease.epoch if held else 0) + 1)


def _partitions(state: State, generation: Generation) -> list[int]:
    return sorted(
        {
            place.partition
            for place in state.checkpoints
            if (place.projection, place.generation) == (generation.projection, generation.number)
        }
    )


def _offset(state: State, generation: Generation, partition: int) -> int:
    """How far a generation is in a partition: as far as the last of its key ranges."""
    return min(_kept(state, place).offset for place in places_of(state, generation, [partition]))


def _kept(state: State, place: Place) -> Checkpoint:
    return state.checkpoints.get(place, Checkpoint(place=place))

"""ProjectionStore: checkpoints in a dictionary, beside the rows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.domain.version import check_count
from headwater.engines.memory.generations import places_of, rows_of, served
from headwater.engines.memory.parking import set_aside
from headwater.engines.memory.rows import Rows
from headwater.engines.memory.state import Part, State
from headwater.errors import CheckpointConflict, InvalidVersion
from headwater.models.changes import Change
from headwater.ports.parking import ParkedPlace
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit, Reset

__all__ = ["MemoryProjectionStore"]


class MemoryProjectionStore(Part):
    async def checkpoint(self, place: Place) -> Checkpoint:
        _rows(self._state, place.projection, place.generation)
        return self._state.checkpoints.get(place, Checkpoint(place=place))

    async def checkpoints(self, projection: str | None = None) -> Sequence[Checkpoint]:
        kept = sorted(self._state.checkpoints.items())
        return [checkpoint for place, checkpoint in kept if projection in (None, place.projection)]

    async def commit(self, commit: ProjectionCommit) -> None:
        state, place = self._state, commit.place
        _check_form(commit)
        rows = _rows(state, place.projection, place.generation)
        kept = state.checkpoints.get(place, Checkpoint(place=place))
        _check_fence(kept, commit)
        rows.apply(commit.changes)
        for offset in commit.unparked:
            state.parked.pop(ParkedPlace(place.projection, place.generation, place.partition, offset), None)
        for event in commit.parked:
            set_aside(state, event)
        effects = kept.effects if commit.effects is None else commit.effects
        state.checkpoints[place] = Checkpoint(place=place, offset=commit.next, epoch=commit.epoch, effects=effects)
        state.committed()

    async def write(self, changes: Sequence[Change]) -> None:
        self._state.rows.apply(changes)
        self._state.committed()

    async def reset(self, reset: Reset) -> None:
        state = self._state
        check_count(reset.epoch, "epoch")
        rows = _rows(state, reset.projection, reset.generation)
        if reset.partition is None:
            rows.make(reset.models)
            rows.empty(reset.models)
        rows.apply(reset.changes)
        for parked in [parked for parked in state.parked if _is_reset(parked, reset)]:
            del state.parked[parked]
        for place in _places(state, reset):  # those without a checkpoint, too: a first commit of an older epoch fails
            kept = state.checkpoints.get(place, Checkpoint(place=place))
            state.checkpoints[place] = msgspec.structs.replace(kept, offset=0, epoch=reset.epoch)
        state.committed()


def _rows(state: State, projection: str, generation: int) -> Rows:
    rows = rows_of(state, projection, generation)
    if rows is None:
        raise CheckpointConflict(
            f"projection {projection!r} has no generation {generation} any more: go on with one of those it has"
        )
    return rows


def _is_reset(place: ParkedPlace | Place, reset: Reset) -> bool:
    return (place.projection, place.generation) == (reset.projection, reset.generation) and reset.partition in (
        None,
        place.partition,
    )


def _places(state: State, reset: Reset) -> set[Place]:
    filling = state.fillings.get(reset.projection, {}).get(reset.generation)
    generation = served(state, reset.projection) if filling is None else filling.generation
    partitions = range(len(state.log)) if reset.partition is None else [reset.partition]
    return {*places_of(state, generation, partitions), *(kept for kept in state.checkpoints if _is_reset(kept, reset))}


def _check_form(commit: ProjectionCommit) -> None:
    check_count(commit.epoch, "epoch")
    check_count(commit.start, "start")
    if commit.effects is not None:
        check_count(commit.effects, "effects")
    if check_count(commit.next, "next") < commit.start:
        raise InvalidVersion(f"a checkpoint only moves on: next {commit.next} is below start {commit.start}")


def _check_fence(kept: Checkpoint, commit: ProjectionCommit) -> None:
    if kept.offset != commit.start or kept.epoch > commit.epoch:
        place = kept.place
        raise CheckpointConflict(
            f"projection {place.projection!r}, partition {place.partition} is at offset {kept.offset} of epoch "
            f"{kept.epoch}, the commit was made from {commit.start} of epoch {commit.epoch}: read it again"
        )

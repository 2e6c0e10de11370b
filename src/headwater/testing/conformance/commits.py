"""Commits: the commits, resets and parked events that the suites of the write side of projections are written in."""

from __future__ import annotations

from typing import Literal

from headwater.models.changes import Change
from headwater.models.model import ReadModel
from headwater.ports.engine import Engine
from headwater.ports.parking import ParkedEvent
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit, Reset
from headwater.ports.read_models import ReadModels, Selection
from headwater.testing.controls import Tally

__all__ = ["at", "commit_of", "parked_at", "reset_of", "state_of", "swap", "totals"]


def commit_of(
    start: int,
    next: int,
    *changes: Change,
    epoch: int = 1,
    partition: int = 0,
    projection: str = "p",
    generation: int = 0,
    key_range: int = 0,
    parked: tuple[ParkedEvent, ...] = (),
    unparked: tuple[int, ...] = (),
    effects: int | None = None,
) -> ProjectionCommit:
    return ProjectionCommit(
        place=Place(projection, partition, generation, key_range),
        epoch=epoch,
        start=start,
        next=next,
        changes=changes,
        parked=parked,
        unparked=unparked,
        effects=effects,
    )


def reset_of(
    epoch: int,
    *models: type[ReadModel],
    projection: str = "p",
    generation: int = 0,
    partition: int | None = None,
    changes: tuple[Change, ...] = (),
) -> Reset:
    return Reset(
        projection=projection,
        generation=generation,
        epoch=epoch,
        partition=partition,
        models=models,
        changes=changes,
    )


def parked_at(
    offset: int,
    projection: str = "p",
    error: str | None = "ValueError: no",
    *,
    generation: int = 0,
    partition: int = 0,
    key: str = "user-ann",
) -> ParkedEvent:
    return ParkedEvent(
        projection=projection,
        generation=generation,
        partition=partition,
        offset=offset,
        key=key,
        type="Noted",
        error=error,
    )


async def at(
    engine: Engine, projection: str = "p", partition: int = 0, generation: int = 0, key_range: int = 0
) -> tuple[int, int]:
    """Offset and epoch of a checkpoint."""
    checkpoint = await engine.projections.checkpoint(Place(projection, partition, generation, key_range))
    return checkpoint.offset, checkpoint.epoch


async def totals(rows: ReadModels) -> dict[str, int]:
    """Every tally."""
    return {row.name: row.total for row in await rows.find(Tally, Selection())}


async def state_of(engine: Engine) -> object:
    """All that a commit may change."""
    parked = list(await engine.parking.parked())
    generations = list(await engine.generations.all())
    rows = {
        (of.projection, of.number): await totals(engine.generations.rows(of.projection, of.number, [Tally]))
        for of in generations
    }
    return list(await engine.projections.checkpoints()), await totals(engine.read_models), parked, generations, rows


async def swap(engine: Engine, projection: str, number: int, *, force: bool = False) -> bool:
    """Serve a generation, whichever of the two that can be served it is."""
    known = {generation.number: generation.state for generation in await engine.generations.all(projection)}
    was: Literal["building", "previous"] = "previous" if known.get(number) == "previous" else "building"
    return await engine.generations.swap(projection, number, was, force)

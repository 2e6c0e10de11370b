"""Seeds: where a generation can begin but at the log's first event."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Protocol

from headwater.errors import UnknownName
from headwater.ports.generations import Generation
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection

__all__ = ["Seeds", "begin_from_seeds"]


class Seeds(Protocol):
    """What a ReadModelSynchronizer asks for a beginning; a ReadModelSnapshotManager gives them."""

    async def seeded(self, projection: Projection, new: bool = False) -> Generation | None:
        """A generation beside the one served, filled up to some point of the log; None: begin at zero.

        `new`: of this version nothing was ever filled on this store, and nobody asked.
        """
        ...


async def begin_from_seeds(seeds: Seeds, parts: ProjectionParts, projections: Iterable[Projection]) -> None:
    """Before they run: have what never ran on this store served from where it may begin."""
    for projection in projections:
        if not projection.writes or await _has_run(parts, projection.name):
            continue
        seeded = await seeds.seeded(projection, new=True)
        if seeded is not None:
            with contextlib.suppress(UnknownName):  # another process has it served, or builds it otherwise
                await _serve(parts, seeded)


async def _serve(parts: ProjectionParts, seeded: Generation) -> None:
    """In place of the empty one; unless another process has filled that meanwhile."""
    served = await parts.generations.swap(seeded.projection, seeded.number)
    for generation in await parts.generations.all(seeded.projection):
        if generation.state == "previous" if served else generation.number == seeded.number:
            await parts.generations.drop(generation.projection, generation.number)


async def _has_run(parts: ProjectionParts, projection: str) -> bool:
    served = [g.number for g in await parts.generations.all(projection) if g.state == "serving"]
    number = served[0] if served else 0
    return any(kept.place.generation == number for kept in await parts.store.checkpoints(projection))

"""Wrappers of ports that tell a row cache what projections have changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from headwater.models.changes import Change
from headwater.models.model import ReadModel
from headwater.ports.generations import Generation, Generations, NewGeneration
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit, ProjectionStore, Reset
from headwater.ports.read_models import ReadModels
from headwater.read_models.row_cache import RowCache

__all__ = ["ForgettingGenerations", "ForgettingStore"]


class ForgettingStore:
    """Wraps a ProjectionStore: rows that a commit changed leave the cache once it is through."""

    def __init__(self, store: ProjectionStore, cache: RowCache) -> None:
        self._store = store
        self._cache = cache

    async def checkpoint(self, place: Place) -> Checkpoint:
        return await self._store.checkpoint(place)

    async def checkpoints(self, projection: str | None = None) -> Sequence[Checkpoint]:
        return await self._store.checkpoints(projection)

    async def commit(self, commit: ProjectionCommit) -> None:
        try:
            await self._store.commit(commit)
        finally:  # an error may have come after the commit
            self._cache.forget(commit.changes)

    async def write(self, changes: Sequence[Change]) -> None:
        await self._store.write(changes)

    async def reset(self, reset: Reset) -> None:
        try:
            await self._store.reset(reset)
        finally:
            self._cache.clear()


class ForgettingGenerations:
    """Wraps Generations: no row of the generation that was served outlives a swap."""

    def __init__(self, generations: Generations, cache: RowCache) -> None:
        self._generations = generations
        self._cache = cache

    async def all(self, projection: str | None = None) -> Sequence[Generation]:
        return await self._generations.all(projection)

    async def begin(self, wanted: NewGeneration, beside: bool = True) -> Generation:
        return await self._generations.begin(wanted, beside)

    async def swap(
        self, projection: str, number: int, was: Literal["building", "previous"] = "building", force: bool = False
    ) -> bool:
        try:
            return await self._generations.swap(projection, number, was, force)
        finally:
            self._cache.clear()

    async def drop(self, projection: str, number: int) -> bool:
        return await self._generations.drop(projection, number)

    def rows(self, projection: str, number: int, models: Sequence[type[ReadModel]]) -> ReadModels:
        return self._generations.rows(projection, number, models)

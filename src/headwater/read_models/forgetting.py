"""ForgettingStore: a projection store that tells a row cache what projections have changed."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.models.changes import Change
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit, ProjectionStore, Reset
from headwater.read_models.row_cache import RowCache

__all__ = ["ForgettingStore"]


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

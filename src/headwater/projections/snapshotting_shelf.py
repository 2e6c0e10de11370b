"""SnapshotShelf: the snapshots that are kept, and which of them can be used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path

from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection
from headwater.projections.snapshotting_fit import misfit
from headwater.read_models.snapshots_folder import SnapshotFolder
from headwater.read_models.snapshots_header import Header
from headwater.read_models.snapshots_reading import ReadModelSnapshot, examined

__all__ = ["SnapshotShelf"]

_log = logging.getLogger("headwater.projections")


class SnapshotShelf:
    """A folder, seen from one store. Why a file is passed over is logged once for each reason."""

    def __init__(self, directory: Path, parts: ProjectionParts, keep: int) -> None:
        self._folder = SnapshotFolder(directory)
        self._parts = parts
        self._keep = keep
        self._warned: set[tuple[Path, str]] = set()

    async def make(self) -> None:
        """Have the folder. Raises OSError."""
        await asyncio.to_thread(self._folder.make)

    async def next(self, projection: Projection) -> Path:
        """Where the next one is to be written."""
        return await asyncio.to_thread(self._folder.next, projection.name, self._parts.clock.micros())

    async def all(self, projection: Projection) -> Sequence[ReadModelSnapshot]:
        """The newest first, damaged ones too."""
        files = await asyncio.to_thread(self._folder.files, projection.name)
        return [await asyncio.to_thread(examined, path) for path in files]

    async def usable(
        self, projection: Projection, store_id: str
    ) -> AsyncGenerator[tuple[ReadModelSnapshot, Header], None]:
        """Those that can be begun from, the newest first. Raises StoreError."""
        for path in await asyncio.to_thread(self._folder.files, projection.name):
            snapshot = await asyncio.to_thread(examined, path)
            header = snapshot.header
            if snapshot.damage or header is None:
                self.pass_over(path, snapshot.damage)
            elif why_not := await misfit(header, projection, self._parts, store_id):
                self.pass_over(path, why_not)
            else:
                yield snapshot, header

    async def prune(self, projection: Projection, store_id: str) -> Sequence[Path]:
        """Delete what is older than the newest usable ones, and what was never finished; what was deleted."""
        spared = 0
        oldest: Path | None = None
        async for snapshot, _ in self.usable(projection, store_id):
            oldest, spared = snapshot.path, spared + 1
            if spared == self._keep:
                break
        files = await asyncio.to_thread(self._folder.files, projection.name)
        older = [path for path in files if spared == self._keep and oldest is not None and path < oldest]
        partials = await asyncio.to_thread(self._folder.partials, projection.name)
        return await asyncio.to_thread(_deleted, [*partials, *older])

    def pass_over(self, path: Path, why: str) -> None:
        """Say that one is not used."""
        if (path, why) not in self._warned:
            self._warned.add((path, why))
            _log.warning("the snapshot %s is passed over: %s", path, why)


def _deleted(paths: Sequence[Path]) -> Sequence[Path]:
    for path in paths:
        with suppress(FileNotFoundError):
            path.unlink()
    return paths

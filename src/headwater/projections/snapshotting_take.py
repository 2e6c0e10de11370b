"""Taking a snapshot: a generation's rows, checkpoints and parked events as of one moment, into a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import cast

from headwater.ports.exports import Exported, Exports
from headwater.ports.generations import Generation
from headwater.ports.projection_store import Checkpoint
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection
from headwater.projections.reaching import places_of
from headwater.projections.snapshotting_fit import code_of, event_before
from headwater.read_models.snapshots_header import Header, Landmark, declared_model
from headwater.read_models.snapshots_writing import SnapshotWriter

__all__ = ["SnapshotTaker"]


class SnapshotTaker:
    """Reads through the engine's Exports while others write; a page of rows is in memory at a time."""

    def __init__(self, exports: Exports, parts: ProjectionParts, compress: bool) -> None:
        self._exports = exports
        self._parts = parts
        self._compress = compress

    async def take(self, projection: Projection, generation: Generation, store_id: str, target: Path) -> None:
        """Write `target`, which is there whole afterwards or, after an error, not at all.

        Raises UnknownName for a generation that has gone meanwhile; StoreError, LimitExceeded, MissingExtra, OSError.
        """
        pages = self._exports.export(generation.projection, generation.number, projection.writes)
        try:
            checkpoints = cast("Sequence[Checkpoint]", await anext(pages))
            header = await self._header(projection, generation, store_id, checkpoints)
            await self._write(target, header, projection, pages)
        finally:
            if isinstance(pages, AsyncGenerator):
                await cast("AsyncGenerator[Exported, None]", pages).aclose()

    async def _header(
        self, projection: Projection, generation: Generation, store_id: str, checkpoints: Sequence[Checkpoint]
    ) -> Header:
        kept = {checkpoint.place: checkpoint for checkpoint in checkpoints}
        partitions = self._parts.log.partitions
        landmarks = [
            await self._landmark(kept.get(place) or Checkpoint(place=place))
            for place in places_of(generation, partitions)
        ]
        return Header(
            store_id=store_id,
            projection=generation.projection,
            version=generation.version,
            fingerprint=code_of(generation),
            key_ranges=generation.key_ranges,
            partitions=partitions,
            taken_at=self._parts.clock.micros(),
            landmarks=tuple(landmarks),
            models=tuple([declared_model(model) for model in projection.writes]),
        )

    async def _landmark(self, kept: Checkpoint) -> Landmark:
        place = kept.place
        return Landmark(
            partition=place.partition,
            key_range=place.key_range,
            offset=kept.offset,
            effects=kept.effects,
            event_id=await event_before(self._parts.log, place.partition, kept.offset),
        )

    async def _write(
        self, target: Path, header: Header, projection: Projection, pages: AsyncIterator[Exported]
    ) -> None:
        writer = SnapshotWriter(target, header, projection.writes, self._compress)
        try:
            await asyncio.to_thread(writer.begin)
            async for page in pages:
                await asyncio.to_thread(writer.add, page)
            await asyncio.to_thread(writer.finish)
        finally:
            await asyncio.to_thread(writer.abandon)

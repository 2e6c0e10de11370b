"""Seeding: a generation that begins with the rows of a snapshot, and goes on with the events behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

import msgspec

from headwater.errors import DecodingError, SnapshotUnusable, StoreError
from headwater.models.changes import Change, Insert
from headwater.models.model import schema_of
from headwater.ports.generations import Generation
from headwater.ports.leases import Lease
from headwater.ports.parking import ParkedEvent
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.crew import new_generation
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection
from headwater.projections.reaching import places_of
from headwater.projections.renewal import Renewal
from headwater.projections.snapshotting_fit import SEEDED
from headwater.projections.troubles import new_owner
from headwater.read_models.snapshots_header import Header
from headwater.read_models.snapshots_reading import SnapshotContents, SnapshotRows

__all__ = ["Seeding"]

_LEASE = 15.0
"""Seconds without a sign of life after which another process begins anew."""


class Seeding:
    """Loads a snapshot into a generation that is built beside the one served.

    The generation is told from every other by its fingerprint, in which the digest of the snapshot follows that of the
    code. So nobody goes on filling it, or has it served, who does not know of the snapshot; and whoever does looks at
    its chief place, whose checkpoint moves in the last commit of all: before that it is dropped and begun anew.
    """

    def __init__(self, projection: Projection, parts: ProjectionParts, path: Path, header: Header, digest: str) -> None:
        self._projection = projection
        self._parts = parts
        self._path = path
        self._digest = digest
        self._marks = sorted(header.landmarks, key=lambda mark: mark.offset)
        """The chief's is the last, and above 0."""
        wanted = new_generation(projection)
        self._wanted = msgspec.structs.replace(wanted, fingerprint=f"{wanted.fingerprint}{SEEDED}{digest}")
        self._owner = new_owner()

    async def run(self) -> Generation:
        """The generation, with the snapshot's rows, checkpoints and parked events; one that has them already as it is.

        Raises SnapshotUnusable, and leaves nothing; CheckpointConflict, LeaseLost or RebuildRefused where another
        process builds something else; StoreError.
        """
        await self._parts.generations.begin(new_generation(self._projection), beside=False)
        while True:
            seen = self._parts.wakeups.seen()
            generation = await self._parts.generations.begin(self._wanted)
            if await self._is_loaded(generation):
                return generation
            async with self._held(generation) as leases:
                if leases and await self._loaded(generation, leases):
                    return generation
            if not leases:
                await self._parts.wakeups.wait(seen, _LEASE / 15)

    # -- what is there ---------------------------------------------------------

    async def _loaded(self, generation: Generation, leases: Mapping[Place, Lease]) -> bool:
        """False after one was dropped that somebody else has left half loaded."""
        if await self._is_loaded(generation):
            return True
        if await self._was_begun(generation):
            await self._parts.generations.drop(generation.projection, generation.number)
            return False
        try:
            async with Renewal(self._parts.leases, _LEASE, [*leases.values()]) as renewal:
                await self._load(generation, leases, renewal)
        except SnapshotUnusable:
            await self._parts.generations.drop(generation.projection, generation.number)
            raise
        return True

    async def _is_loaded(self, generation: Generation) -> bool:
        chief = self._place(generation, len(self._marks) - 1)
        return (await self._parts.store.checkpoint(chief)).offset > 0

    async def _was_begun(self, generation: Generation) -> bool:
        kept = await self._parts.store.checkpoints(generation.projection)
        return any(checkpoint.place.generation == generation.number for checkpoint in kept)

    def _place(self, generation: Generation, number: int) -> Place:
        mark = self._marks[number]
        return Place(generation.projection, mark.partition, generation.number, mark.key_range)

    @contextlib.asynccontextmanager
    async def _held(self, generation: Generation) -> AsyncGenerator[Mapping[Place, Lease], None]:
        """The leases of all its places; of none while somebody else has one."""
        leases: dict[Place, Lease] = {}
        try:
            for place in places_of(generation, self._parts.log.partitions):
                lease = await self._parts.leases.acquire(place.lease, self._owner, _LEASE)
                if lease is None:
                    break
                leases[place] = lease
            yield leases if len(leases) == len(self._marks) else {}
        finally:
            for lease in leases.values():
                with contextlib.suppress(StoreError):
                    await self._parts.leases.release(lease)

    # -- loading ---------------------------------------------------------------

    async def _load(self, generation: Generation, leases: Mapping[Place, Lease], renewal: Renewal) -> None:
        """Rows and parked events first, then the checkpoints, the chief's last."""
        chief = self._place(generation, len(self._marks) - 1)
        for place, lease in leases.items():  # whoever held it before can write no more
            await self._commit(place, lease)
        async with self._contents() as contents:
            pages = iter(contents)
            while (page := await asyncio.to_thread(next, pages, None)) is not None:
                renewal.check()
                if isinstance(page, SnapshotRows):
                    await self._commit(chief, leases[chief], changes=self._changes(page))
                else:
                    parked = [msgspec.structs.replace(event, generation=generation.number) for event in page]
                    await self._commit(chief, leases[chief], parked=parked)
            if contents.digest != self._digest:
                raise SnapshotUnusable("it was replaced by another meanwhile")
        for number, mark in enumerate(self._marks):
            place = self._place(generation, number)
            await self._commit(place, leases[place], mark.offset, effects=mark.effects)

    @contextlib.asynccontextmanager
    async def _contents(self) -> AsyncGenerator[SnapshotContents, None]:
        try:
            file = await asyncio.to_thread(self._path.open, "rb")
        except OSError as error:
            raise SnapshotUnusable(f"it cannot be opened: {error}") from error
        try:
            yield await asyncio.to_thread(SnapshotContents, file)
        finally:
            await asyncio.to_thread(file.close)

    def _changes(self, page: SnapshotRows) -> Sequence[Change]:
        try:
            schema = schema_of(self._projection.writes[page.model])
            return [Insert(schema.to_row(scalars)) for scalars in page.rows]
        except (DecodingError, ValueError, IndexError) as error:
            raise SnapshotUnusable(f"a row does not fit its read model: {error}") from error

    async def _commit(
        self,
        place: Place,
        lease: Lease,
        next: int = 0,
        changes: Sequence[Change] = (),
        parked: Sequence[ParkedEvent] = (),
        effects: int | None = None,
    ) -> None:
        await self._parts.store.commit(
            ProjectionCommit(
                place=place,
                epoch=lease.epoch,
                start=0,
                next=next,
                changes=changes,
                parked=parked,
                effects=effects,
            )
        )

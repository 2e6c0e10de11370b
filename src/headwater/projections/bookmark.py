"""Bookmark: where a place stands, what of that is stored, and the commit that moves it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Sequence

from headwater.errors import CheckpointAheadOfLog, CheckpointConflict
from headwater.handling.batch import Batch
from headwater.models.changes import merge
from headwater.ports.leases import Lease
from headwater.ports.parking import ParkedEvent
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit
from headwater.projections.parts import ProjectionParts, RunnerOptions

__all__ = ["Bookmark", "resume"]


class Bookmark:
    """Of one lease: once another worker has moved the checkpoint, every commit fails."""

    def __init__(self, place: Place, lease: Lease, parts: ProjectionParts, options: RunnerOptions) -> None:
        self.place = place
        self.lease = lease
        self.offset = 0
        """The next offset to read; effects of everything below it are committed."""
        self.effects: int | None = None
        """How far side effects are, for the next commit to store; None: as far as the checkpoint."""
        self.runs_effects = True
        """False for a generation that is built: its side effects are held back, and so is their mark."""
        self._parts = parts
        self._options = options
        self._saved = self._marked = 0
        self._save_at = 0.0

    @property
    def unsaved(self) -> int:
        """How many offsets, none with an effect, have been passed since the checkpoint was stored."""
        return self.offset - self._saved

    @property
    def save_in(self) -> float:
        """Seconds until what was passed must be stored; infinite if all of it is."""
        return max(0.0, self._save_at - _now()) if self._is_behind else math.inf

    @property
    def _is_behind(self) -> bool:
        return self.unsaved > 0 or (self.effects is not None and self.effects > self._marked)

    async def learn(self) -> Checkpoint:
        """Go to where the checkpoint is; raises CheckpointAheadOfLog."""
        kept = await resume(self._parts, self.place)
        self.offset = self._saved = kept.offset
        self._marked = kept.effects
        return kept

    async def refresh(self) -> bool:
        """Go on to where others have moved the checkpoint; False if they have not. Raises CheckpointConflict."""
        kept = await self._parts.store.checkpoint(self.place)
        if kept.epoch > self.lease.epoch:
            raise CheckpointConflict(f"{self.place.lease} was taken over")
        if kept.offset <= self._saved:
            return False
        self.offset = self._saved = kept.offset
        return True

    async def commit(
        self,
        next: int,
        batch: Batch | None = None,
        parked: Sequence[ParkedEvent] = (),
        unparked: Sequence[int] = (),
        left_out: Collection[int] = (),
        finishes: bool = False,
    ) -> None:
        """Changes and the move to `next` in one transaction. Raises CheckpointConflict, StoreError.

        `left_out` are the offsets of events that were parked or skipped; for `finishes` see ByEvent.
        """
        effects = self._mark(next)
        await self._parts.store.commit(
            ProjectionCommit(
                place=self.place,
                epoch=self.lease.epoch,
                start=self._saved,
                next=next,
                changes=() if batch is None else batch.changes if batch.by_event else merge(batch.changes),
                offsets=batch.offsets if batch is not None and batch.by_event else (),
                left_out=sorted(left_out),
                finishes=finishes,
                parked=parked,
                unparked=unparked,
                effects=effects,
            )
        )
        self.offset = self._saved = next
        self._marked = effects or 0

    def _mark(self, next: int) -> int | None:
        """How far side effects are with this commit; without any, as far as the checkpoint has ever been."""
        if self.effects is not None or not self.runs_effects:
            return self.effects
        return max(next, self._marked)

    async def pass_to(self, next: int, at_once: bool) -> None:
        """Go past events that are not handled; the checkpoint is stored now and then, or at once."""
        if not self.unsaved:
            self.save_soon()
        self.offset = next
        if at_once or self.unsaved >= self._options.save_every:
            await self.save()
        else:
            await self.save_when_due()

    def save_soon(self) -> None:
        """Something is to be stored, with the next effect or in a while."""
        self._save_at = _now() + self._options.save_seconds

    async def save(self) -> None:
        """Store what was passed."""
        if self._is_behind:
            await self.commit(self.offset)

    async def last_word(self) -> None:
        """Store how far side effects have come, also where a swap has put the generation aside under our lease.

        Nothing is written where somebody else has come to the place. Raises CheckpointConflict, StoreError.
        """
        if self.effects is None or self.effects <= self._marked:
            return
        kept = await self._parts.store.checkpoint(self.place)
        if kept.offset == self._saved and kept.effects < self.effects and await self._is_held():
            await self._parts.store.commit(
                ProjectionCommit(
                    place=self.place, epoch=kept.epoch, start=kept.offset, next=kept.offset, effects=self.effects
                )
            )

    async def _is_held(self) -> bool:
        ours = self.lease.name, self.lease.owner, self.lease.epoch
        return ours in [(lease.name, lease.owner, lease.epoch) for lease in await self._parts.leases.holders()]

    async def save_when_due(self) -> None:
        """Store what was passed if it is long enough ago."""
        if self._save_at <= _now():
            await self.save()


async def resume(parts: ProjectionParts, place: Place) -> Checkpoint:
    """The checkpoint; raises CheckpointAheadOfLog if it lies beyond the log's head."""
    kept = await parts.store.checkpoint(place)
    head = await parts.log.head(place.partition)
    if kept.end > head:
        raise CheckpointAheadOfLog(
            f"projection {place.projection!r} has read partition {place.partition} up to {kept.end:,}, but the log "
            f"ends at {head:,}: was it restored from an older backup? Rebuild the projection"
        )
    return kept


def _now() -> float:
    """Seconds by the loop: steady, whatever happens to the clock."""
    return asyncio.get_running_loop().time()

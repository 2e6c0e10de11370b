"""Replaying: parked events handled again, each key in order, each event in a commit of its own."""

from __future__ import annotations

from headwater.errors import CheckpointConflict, HeadwaterError, StoreError
from headwater.ports.log import LogFilter
from headwater.ports.parking import ParkedEvent
from headwater.projections.bookmark import Bookmark
from headwater.projections.effects import Effects
from headwater.projections.outcome import Failure, failure_of
from headwater.projections.parked_keys import ParkedKeys
from headwater.projections.parts import ProjectionParts
from headwater.projections.worker import Worker

__all__ = ["Replaying"]


class Replaying:
    """For one place, under one lease."""

    def __init__(
        self,
        parts: ProjectionParts,
        worker: Worker,
        bookmark: Bookmark,
        parked: ParkedKeys,
        effects: Effects | None,
        failures: list[Failure],
    ) -> None:
        self._parts = parts
        self._worker = worker
        self._bookmark = bookmark
        self._parked = parked
        self._effects = effects
        self._failures = failures
        """Gets those of events that fail again."""

    async def look(self) -> None:
        """Learn which keys are blocked; handle those whose first event is free to go, or due, in order."""
        for queue in await self._parked.look(self._parts.clock.micros()):
            if await self._is_emptied(queue.key):
                self._parked.keys.discard(queue.key)

    async def _is_emptied(self, key: str) -> bool:
        """Handle one key's queue up to the first event that fails; True if none is left."""
        async for event in self._parked.queue(key):
            if not await self._replay(event):
                return False
        return True

    async def _replay(self, event: ParkedEvent) -> bool:
        """Handle one parked event, its effect and its leaving in one commit; False if it failed and stays."""
        worker, bookmark = self._worker, self._bookmark
        page = await self._parts.log.read(event.partition, event.offset, 1, LogFilter(hidden=True))
        if not page.events or page.events[0].offset != event.offset or not worker.wants(page.events[0]):
            await bookmark.commit(bookmark.offset, unparked=[event.offset])  # no longer in the log, or not wanted
            return True
        stored = page.events[0]
        item = worker.decoder.one(stored, event.data)
        batch = worker.batch()
        outcome = await worker.handle([stored], [item], batch, set())
        cause = outcome.cause
        if cause is None:
            try:
                await bookmark.commit(bookmark.offset, batch, unparked=[event.offset])
            except (CheckpointConflict, StoreError):
                raise
            except HeadwaterError as error:
                cause = error
            else:
                self._failures += outcome.failures
                if self._effects is not None and not outcome.skipped:
                    await self._effects.run_one(item)
                return True
        await bookmark.commit(bookmark.offset, parked=[worker.parked_again(event, stored, cause)])
        self._failures.append(failure_of(stored, item, cause))
        return False

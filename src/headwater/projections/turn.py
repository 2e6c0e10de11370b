"""Turn: what a runner does while it holds the lease: read a page, handle it, commit it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import msgspec

from headwater.domain.event import StoredEvent
from headwater.errors import CheckpointAheadOfLog, CheckpointConflict, HeadwaterError, StoreError
from headwater.handling.batch import Batch
from headwater.models.changes import Change, merge
from headwater.ports.leases import Lease
from headwater.ports.log import LogFilter, LogPage
from headwater.ports.parking import ParkedEvent
from headwater.ports.projection_store import ProjectionCommit
from headwater.projections.decoding import Decoder
from headwater.projections.lanes import handle_in_lanes
from headwater.projections.page import Failure, Outcome, PageHandler, failure_of
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.projection import Projection
from headwater.projections.read_ahead import ReadAhead

__all__ = ["Turn", "resume"]


class Turn:
    """A projection in one partition, under one lease: where it is, which keys are blocked, and the next step.

    All state is of this lease; when it is lost, or somebody else moved the checkpoint, the turn is over and
    nothing of it is used again.
    """

    def __init__(
        self,
        projection: Projection,
        parts: ProjectionParts,
        options: RunnerOptions,
        lease: Lease,
        page_size: int | None = None,
    ) -> None:
        self.projection = projection
        self.lease = lease
        self.offset = 0
        """The next offset to read; effects of everything below it are committed."""
        self.blocked: set[str] = set()
        self._partition = int(lease.name.rpartition(":")[2])
        self._parts = parts
        self._options = options
        self._pages = PageHandler(projection, options)
        self._decoder = Decoder(parts.registry)
        types = parts.registry.stored_names(projection.events) if projection.events else ()
        self._filter = LogFilter(types=types, hidden=projection.hidden)
        self._log = ReadAhead(parts.log, self._partition, self._filter)
        self._saved = 0
        own_size = projection.batching.batch_size if projection.batching else options.batch_size
        self.page_size = self._limit = page_size or own_size
        self._save_at = 0.0
        self._one_by_one_below = 0
        self._failures: list[Failure] = []

    @property
    def unsaved(self) -> int:
        """How many offsets, none with an effect, have been passed since the checkpoint was stored."""
        return self.offset - self._saved

    @property
    def save_due_in(self) -> float:
        """Seconds until the checkpoint must be stored though nothing had an effect; infinite if it is."""
        return max(0.0, self._save_at - asyncio.get_running_loop().time()) if self.unsaved else math.inf

    async def begin(self) -> None:
        """Take over the checkpoint: from here on a commit under an older epoch fails.

        Raises CheckpointAheadOfLog if it lies beyond the log's head.
        """
        self.offset = self._saved = await resume(self._parts, self.projection.name, self._partition)
        await self._commit(self.offset)
        await self.look_at_parked()

    async def read(self, so_far: LogPage | None = None) -> LogPage:
        """The next page of events the projection handles; or `so_far` with what has come since."""
        if so_far is not None:
            return await self._read_on(so_far)
        limit = 1 if self.offset < self._one_by_one_below else self._limit
        page = await self._log.read(self.offset, limit)
        size = sum([len(event.data) for event in page.events])
        if size > self._options.batch_bytes:
            self._limit = max(1, len(page.events) * self._options.batch_bytes // size)
        return page

    def end(self) -> None:
        """Let go of what was read ahead."""
        self._log.stop()

    async def _read_on(self, page: LogPage) -> LogPage:
        more = await self._parts.log.read(self._partition, page.next, self._limit - len(page.events), self._filter)
        return LogPage([*page.events, *more.events], more.next)

    async def take(self, page: LogPage) -> None:
        """Handle a page and commit it. Raises CheckpointConflict or StoreError, and then nothing is committed."""
        if not page.events:
            await self._pass(page.next)
            return
        before = set(self.blocked)
        batch = Batch(self.projection.name, self.projection.writes)
        outcome = await self._handle(page.events, batch, self.blocked)
        try:
            await self._commit(page.next, batch.changes, outcome.parked)
        except (CheckpointConflict, StoreError):
            raise
        except HeadwaterError as error:
            self.blocked = before
            await self._refused(page, error)
        else:
            self._failures += outcome.failures

    async def save(self) -> None:
        """Store the checkpoint without effects."""
        if self.unsaved:
            await self._commit(self.offset)

    async def save_when_due(self) -> None:
        """Store the checkpoint if it has been behind for long enough."""
        if self.save_due_in <= 0:
            await self.save()

    async def reapply(self, start: int) -> int:
        """Handle a page of events below the checkpoint once more, over the rows as they are; where to go on.

        What is parked stays parked.
        """
        page = await self._parts.log.read(self._partition, start, self._limit, self._filter)
        parked = {event.offset for event in await self._parts.parking.parked(self.projection.name)}
        events = [event for event in page.events if event.offset < self.offset and event.offset not in parked]
        batch = Batch(self.projection.name, self.projection.writes)
        outcome = await self._handle(events, batch, set())
        await self._commit(self.offset, batch.changes, outcome.parked)
        self.blocked.update(event.key for event in outcome.parked)
        self._failures += outcome.failures
        return min(page.next, self.offset)

    def failures(self) -> list[Failure]:
        """Failures of committed pages since this was asked last."""
        told, self._failures = self._failures, []
        return told

    # -- handling and committing -----------------------------------------------

    async def _pass(self, next: int) -> None:
        """Go past events that are not handled; the checkpoint is stored now and then."""
        if not self.unsaved:
            self._save_at = asyncio.get_running_loop().time() + self._options.save_seconds
        self.offset = next
        if self.unsaved >= self._options.save_every:
            await self.save()
        else:
            await self.save_when_due()

    async def _handle(self, events: Sequence[StoredEvent], batch: Batch, blocked: set[str]) -> Outcome:
        self._pages.now = self._parts.clock.micros()
        wants = self.projection.wants
        if wants is not None:
            events = [event for event in events if wants(event)]
        decoded = self._decoder.page(events)
        batching = self.projection.batching
        if batching is not None and batching.parallelism > 1 and len(events) > 1:
            return await handle_in_lanes(self._pages, events, decoded, batch, blocked, batching.parallelism)
        return await self._pages.handle(events, decoded, batch, blocked)

    async def _refused(self, page: LogPage, error: HeadwaterError) -> None:
        """The store takes some change of this page for wrong: go on one by one until it is found, and park it."""
        if len(page.events) > 1:
            self._one_by_one_below = page.next
            return
        stored = page.events[0]
        item = self._decoder.one(stored)
        key = self._pages.key_of(stored, item)
        await self._commit(page.next, parked=[self._pages.parked_for(stored, key, error, attempts=1)])
        self.blocked.add(key)
        self._failures.append(failure_of(stored, item, error))

    async def _commit(
        self,
        next: int,
        changes: Sequence[Change] = (),
        parked: Sequence[ParkedEvent] = (),
        unparked: Sequence[int] = (),
    ) -> None:
        await self._parts.store.commit(
            ProjectionCommit(
                projection=self.projection.name,
                partition=self._partition,
                epoch=self.lease.epoch,
                start=self._saved,
                next=next,
                changes=merge(changes) if changes else (),
                parked=parked,
                unparked=unparked,
            )
        )
        self.offset = self._saved = next

    # -- what is parked --------------------------------------------------------

    async def look_at_parked(self) -> None:
        """Learn which keys are blocked; handle those whose first event is free to go, in order."""
        queues: dict[str, list[ParkedEvent]] = {}
        for event in await self._parts.parking.parked(self.projection.name):
            if event.partition == self._partition:
                queues.setdefault(event.key, []).append(event)
        self.blocked = {key for key, queue in queues.items() if not await self._replayed(queue)}

    async def _replayed(self, queue: Sequence[ParkedEvent]) -> bool:
        """Handle one key's queue up to the first event that fails; True if none is left."""
        if queue[0].error is not None:
            return False
        for event in queue:
            if not await self._replay(event):
                return False
        return True

    async def _replay(self, event: ParkedEvent) -> bool:
        """Handle one parked event, its effect and its leaving in one commit; False if it failed and stays."""
        page = await self._parts.log.read(self._partition, event.offset, 1, LogFilter(hidden=True))
        wants = self.projection.wants
        if not page.events or page.events[0].offset != event.offset or (wants and not wants(page.events[0])):
            await self._commit(self.offset, unparked=[event.offset])  # no longer in the log, or no longer wanted
            return True
        stored = page.events[0]
        item = self._decoder.one(stored, event.data)
        batch = Batch(self.projection.name, self.projection.writes)
        self._pages.now = self._parts.clock.micros()
        outcome = await self._pages.handle([stored], [item], batch, set())
        if not outcome.parked:
            try:
                await self._commit(self.offset, batch.changes, unparked=[event.offset])
            except (CheckpointConflict, StoreError):
                raise
            except HeadwaterError as error:
                outcome.failures.append(failure_of(stored, item, error))
            else:
                return True
        cause = outcome.failures[0].error
        parked = self._pages.parked_for(stored, event.key, cause, attempts=1 + self._options.retries)
        await self._commit(self.offset, parked=[msgspec.structs.replace(parked, data=event.data)])
        self._failures += outcome.failures
        return False


async def resume(parts: ProjectionParts, projection: str, partition: int) -> int:
    """The checkpoint's offset; raises CheckpointAheadOfLog if it lies beyond the log's head."""
    offset = (await parts.store.checkpoint(projection, partition)).offset
    head = await parts.log.head(partition)
    if offset > head:
        raise CheckpointAheadOfLog(
            f"projection {projection!r} has read partition {partition} up to {offset:,}, but the log ends at "
            f"{head:,}: was it restored from an older backup? Rebuild the projection"
        )
    return offset

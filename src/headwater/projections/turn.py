"""Turn: what a runner does while it holds the lease of a place: read a page, handle it, commit it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from headwater.domain.event import StoredEvent
from headwater.errors import CheckpointAheadOfLog, CheckpointConflict, HeadwaterError, LeaseLost, StoreError
from headwater.handling.batch import Batch
from headwater.models.changes import Change, merge
from headwater.ports.generations import Generation
from headwater.ports.leases import Lease
from headwater.ports.log import LogFilter, LogPage
from headwater.ports.parking import ParkedEvent
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit
from headwater.projections.adaptive import PageSize
from headwater.projections.decoding import Decoded, Decoder
from headwater.projections.effects import Effects
from headwater.projections.key_range import KeyRange
from headwater.projections.lanes import handle_in_lanes
from headwater.projections.page import Failure, Outcome, PageHandler, failure_of
from headwater.projections.parked_keys import ParkedKeys
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.projection import Projection
from headwater.projections.read_ahead import ReadAhead

__all__ = ["Turn", "resume"]


class Turn:
    """A projection at one place, under one lease: where it is, which keys are blocked, and the next step.

    All state is of this lease; when it is lost, or somebody else moved the checkpoint, the turn is over and
    nothing of it is used again.
    """

    def __init__(
        self,
        projection: Projection,
        generation: Generation,
        place: Place,
        parts: ProjectionParts,
        options: RunnerOptions,
        lease: Lease,
        page_size: int | None = None,
    ) -> None:
        self.projection = projection
        self.place = place
        self.lease = lease
        self.offset = 0
        """The next offset to read; effects of everything below it are committed."""
        self._generation = generation
        self._parts = parts
        self._options = options
        self._pages = PageHandler(projection, options, generation=generation.number)
        self._decoder = Decoder(parts.registry)
        types = parts.registry.stored_names(projection.events) if projection.events else ()
        self._filter = LogFilter(types=types, hidden=projection.hidden)
        self._log = ReadAhead(parts.log, place.partition, self._filter)
        self._range = KeyRange(place.key_range, generation.key_ranges)
        served = generation.state == "serving"
        self._rows = None if served else parts.generations.rows(projection.name, generation.number, projection.writes)
        self._effects = Effects(projection, parts, self._decoder, options) if served and projection.effects else None
        self._parked = ParkedKeys(parts.parking, place, self._range)
        self._saved = self._marked = 0
        own_size = projection.batching.batch_size if projection.batching else options.batch_size
        self.page_size = page_size or own_size
        self._size = PageSize(self.page_size, options)
        self._save_at = 0.0
        self._one_by_one_below = 0
        self._failures: list[Failure] = []

    @property
    def blocked(self) -> set[str]:
        """The keys that are parked."""
        return self._parked.keys

    @property
    def unsaved(self) -> int:
        """How many offsets, none with an effect, have been passed since the checkpoint was stored."""
        return self.offset - self._saved

    @property
    def _effects_unsaved(self) -> bool:
        return self._effects is not None and self._effects.done > self._marked

    @property
    def due_in(self) -> float:
        """Seconds until the checkpoint must be stored though nothing had an effect, or a parked key is due again."""
        save = max(0.0, self._save_at - _now()) if self.unsaved or self._effects_unsaved else math.inf
        return min(save, self._parked.due_in(self._parts.clock.micros()))

    async def begin(self, told_until: int = 0) -> None:
        """Take over the checkpoint: from here on a commit under an older epoch fails.

        Side effects below `told_until` have run in this process, whatever the checkpoint says.
        Raises CheckpointAheadOfLog if it lies beyond the log's head; LeaseLost if its generation has left the stage.
        """
        kept = await resume(self._parts, self.place)
        self.offset = self._saved = kept.offset
        if self._effects is not None:
            self._marked = kept.effects
            self._effects.done = max(kept.effects, told_until)
        await self._commit(self.offset)
        await self._check_generation()
        if self._effects is not None:
            done = self._effects.done
            parked = await self._parked.offsets(done, kept.offset)
            await self._effects.run_missed(self.place.partition, done, kept.offset, self._mine, parked)
        await self.look_at_parked()

    async def read(self, so_far: LogPage | None = None) -> LogPage:
        """The next page of events the projection handles; or `so_far` with what has come since."""
        if so_far is not None:
            return await self._read_on(so_far)
        return await self._log.read(self.offset, 1 if self.offset < self._one_by_one_below else self._size.next())

    def end(self) -> int:
        """Let go of what was read ahead; the offset below which side effects have run."""
        self._log.stop()
        return 0 if self._effects is None else self._effects.done

    async def refresh(self) -> bool:
        """Go on from where appends have moved the checkpoint of an inline projection; False if they have not."""
        kept = await self._parts.store.checkpoint(self.place)
        if kept.epoch > self.lease.epoch:
            raise CheckpointConflict(f"{self.place.lease} was taken over")
        if kept.offset <= self._saved:
            return False
        self.offset = self._saved = kept.offset
        if self._effects is not None:
            await self._effects.run_missed(self.place.partition, self._effects.done, kept.offset, self._mine, ())
            self._save_at = _now() + self._options.save_seconds
        return True

    async def take(self, page: LogPage) -> None:
        """Handle a page and commit it. Raises CheckpointConflict or StoreError, and then nothing is committed."""
        if not page.events:
            await self._pass(page.next)
            return
        began = _now()
        before = set(self.blocked)
        batch = self._batch()
        events, decoded = self._wanted(page.events)
        outcome = await self._handle(events, decoded, batch, self.blocked)
        stopped = outcome.stopped_at
        next = page.next if stopped is None else stopped
        try:
            await self._commit(next, batch.changes, outcome.parked)
        except (CheckpointConflict, StoreError):
            raise
        except HeadwaterError as error:
            self._parked.keys = before
            await self._refused(page, error)
            return
        self._parked.added(outcome.parked)
        self._failures += outcome.failures
        self._size.took(len(page.events), sum([len(event.data) for event in page.events]), _now() - began)
        if self._effects is not None:
            await self._effects.run(events, decoded, next, outcome)
            self._save_at = _now() + self._options.save_seconds
        if outcome.stopped_by is not None:
            raise outcome.stopped_by

    async def save(self) -> None:
        """Store the checkpoint without effects."""
        if self.unsaved or self._effects_unsaved:
            await self._commit(self.offset)

    async def save_when_due(self) -> None:
        """Store the checkpoint if it has been behind for long enough."""
        if self._save_at <= _now():
            await self.save()

    async def reapply(self, start: int) -> int:
        """Handle a page of events below the checkpoint once more, over the rows as they are; where to go on.

        What is parked stays parked.
        """
        page = await self._parts.log.read(self.place.partition, start, self._size.next(), self._filter)
        parked = await self._parked.offsets(start, page.next)
        again = [event for event in page.events if event.offset < self.offset and event.offset not in parked]
        events, decoded = self._wanted(again)
        batch = self._batch()
        outcome = await self._handle(events, decoded, batch, set())
        if outcome.stopped_by is not None:
            raise outcome.stopped_by
        await self._commit(self.offset, batch.changes, outcome.parked)
        self._parked.added(outcome.parked)
        self._failures += outcome.failures
        return min(page.next, self.offset)

    async def start_over(self, stream: str, removal: Change) -> None:
        """Take away what a stream has written, and handle its events below the checkpoint again, in one commit."""
        batch = self._batch()
        batch.changes.append(removal)  # it is none of the handler's, which may have to commute
        waiting = [event.offset async for event in self._parked.queue(stream)]
        only = LogFilter(types=self._filter.types, hidden=self._filter.hidden, stream=stream)
        parked: list[ParkedEvent] = []
        start, blocked = 0, set[str]()
        while start < self.offset:
            page = await self._parts.log.read(self.place.partition, start, self.page_size, only)
            events, decoded = self._wanted([event for event in page.events if event.offset < self.offset])
            outcome = await self._handle(events, decoded, batch, blocked)
            if outcome.stopped_by is not None:
                raise outcome.stopped_by
            parked += outcome.parked
            self._failures += outcome.failures
            start = page.next
        await self._commit(self.offset, batch.changes, parked, waiting)
        await self.look_at_parked()

    def failures(self) -> list[Failure]:
        """Failures of committed pages since this was asked last."""
        told, self._failures = self._failures, []
        return told

    # -- reading ---------------------------------------------------------------

    async def _check_generation(self) -> None:
        """After the takeover: whoever swaps from here on makes the next commit fail."""
        number = self._generation.number
        for generation in await self._parts.generations.all(self.projection.name):
            if generation.number == number and generation.state == self._generation.state:
                return
        raise LeaseLost(f"generation {number} of {self.projection.name!r} is no longer {self._generation.state}")

    async def _read_on(self, page: LogPage) -> LogPage:
        room = self.page_size - len(page.events)
        more = await self._parts.log.read(self.place.partition, page.next, room, self._filter)
        return LogPage([*page.events, *more.events], more.next)

    def _wanted(self, events: Sequence[StoredEvent]) -> tuple[Sequence[StoredEvent], Sequence[Decoded]]:
        """The events that this place handles, with what they say."""
        wants = self.projection.wants
        if wants is not None:
            events = [event for event in events if wants(event)]
        decoded = self._decoder.page(events)
        if self._range.is_whole:
            return events, decoded
        mine = [pair for pair in zip(events, decoded, strict=True) if self._mine(*pair)]
        return [stored for stored, _ in mine], [item for _, item in mine]

    def _mine(self, stored: StoredEvent, item: Decoded) -> bool:
        return self._range.holds(self._pages.key_of(stored, item))

    # -- handling and committing -----------------------------------------------

    def _batch(self) -> Batch:
        commutative = self.projection.declared.commutative
        return Batch(self.projection.name, self.projection.writes, self._rows, commutative=commutative)

    async def _pass(self, next: int) -> None:
        """Go past events that are not handled; the checkpoint is stored now and then."""
        if not self.unsaved:
            self._save_at = _now() + self._options.save_seconds
        self.offset = next
        if self.projection.inline or self.unsaved >= self._options.save_every:
            await self.save()
        else:
            await self.save_when_due()

    async def _handle(
        self, events: Sequence[StoredEvent], decoded: Sequence[Decoded], batch: Batch, blocked: set[str]
    ) -> Outcome:
        self._pages.now = self._parts.clock.micros()
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
        parked = self._pages.parked_for(stored, self._pages.key_of(stored, item), error, attempts=1)
        await self._commit(page.next, parked=[parked])
        self._parked.added([parked])
        self._failures.append(failure_of(stored, item, error))

    async def _commit(
        self,
        next: int,
        changes: Sequence[Change] = (),
        parked: Sequence[ParkedEvent] = (),
        unparked: Sequence[int] = (),
    ) -> None:
        mark = self._mark(next)
        await self._parts.store.commit(
            ProjectionCommit(
                place=self.place,
                epoch=self.lease.epoch,
                start=self._saved,
                next=next,
                changes=merge(changes) if changes else (),
                parked=parked,
                unparked=unparked,
                effects=mark,
            )
        )
        self.offset = self._saved = next
        self._marked = mark or 0

    def _mark(self, next: int) -> int | None:
        """How far side effects are: as far as the rows where there are none; in a generation that is built, nowhere."""
        if self._effects is not None:
            return self._effects.done
        return next if self._rows is None else None

    # -- what is parked --------------------------------------------------------

    async def look_at_parked(self) -> None:
        """Learn which keys are blocked; handle those whose first event is free to go, in order."""
        free = await self._parked.look(self._parts.clock.micros())
        for queue in free:
            if await self._replayed(queue.key):
                self._parked.keys.discard(queue.key)

    async def _replayed(self, key: str) -> bool:
        """Handle one key's queue up to the first event that fails; True if none is left."""
        async for event in self._parked.queue(key):
            if not await self._replay(event):
                return False
        return True

    async def _replay(self, event: ParkedEvent) -> bool:
        """Handle one parked event, its effect and its leaving in one commit; False if it failed and stays."""
        page = await self._parts.log.read(self.place.partition, event.offset, 1, LogFilter(hidden=True))
        wants = self.projection.wants
        if not page.events or page.events[0].offset != event.offset or (wants and not wants(page.events[0])):
            await self._commit(self.offset, unparked=[event.offset])  # no longer in the log, or no longer wanted
            return True
        stored = page.events[0]
        item = self._decoder.one(stored, event.data)
        batch = self._batch()
        self._pages.now = self._parts.clock.micros()
        outcome = await self._pages.handle([stored], [item], batch, set())
        cause = outcome.cause
        if cause is None:
            try:
                await self._commit(self.offset, batch.changes, unparked=[event.offset])
            except (CheckpointConflict, StoreError):
                raise
            except HeadwaterError as error:
                cause = error
            else:
                self._failures += outcome.failures
                if self._effects is not None and not outcome.skipped:
                    await self._effects.run_one(item)
                return True
        await self._commit(self.offset, parked=[self._pages.parked_again(event, stored, cause)])
        self._failures.append(failure_of(stored, item, cause))
        return False


async def resume(parts: ProjectionParts, place: Place) -> Checkpoint:
    """The checkpoint; raises CheckpointAheadOfLog if it lies beyond the log's head."""
    kept = await parts.store.checkpoint(place)
    head = await parts.log.head(place.partition)
    if kept.offset > head:
        raise CheckpointAheadOfLog(
            f"projection {place.projection!r} has read partition {place.partition} up to {kept.offset:,}, but the log "
            f"ends at {head:,}: was it restored from an older backup? Rebuild the projection"
        )
    return kept


def _now() -> float:
    """Seconds by the loop: steady, whatever happens to the clock."""
    return asyncio.get_running_loop().time()

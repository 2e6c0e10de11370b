"""Turn: what a runner does while it holds the lease of a place: read a page, handle it, commit it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Container

from headwater.errors import CheckpointConflict, HeadwaterError, LeaseLost, StoreError
from headwater.models.changes import Change
from headwater.ports.generations import Generation
from headwater.ports.leases import Lease
from headwater.ports.log import LogFilter, LogPage
from headwater.ports.parking import ParkedEvent
from headwater.ports.place import Place
from headwater.projections.adaptive import PageSize
from headwater.projections.bookmark import Bookmark
from headwater.projections.effects import Effects
from headwater.projections.finishing import finish
from headwater.projections.outcome import Failure, failure_of
from headwater.projections.parked_keys import ParkedKeys
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.predecessor import Predecessor
from headwater.projections.projection import Projection
from headwater.projections.read_ahead import ReadAhead
from headwater.projections.replaying import Replaying
from headwater.projections.worker import Worker

__all__ = ["Turn"]


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
        self.place = place
        self._projection = projection
        self._generation = generation
        self._parts = parts
        self._worker = worker = Worker(projection, generation, place, parts, options)
        self._bookmark = Bookmark(place, lease, parts, options)
        self._bookmark.runs_effects = is_served = generation.state == "serving"
        self._effects = (
            Effects(projection, parts, worker.decoder, options) if is_served and projection.effects else None
        )
        self._before = Predecessor(parts, generation, place)
        self._parked = ParkedKeys(parts.parking, place, worker.range)
        self._failures: list[Failure] = []
        self._replaying = Replaying(parts, worker, self._bookmark, self._parked, self._effects, self._failures)
        self._log = ReadAhead(parts.log, place.partition, worker.filter)
        own_size = projection.batching.batch_size if projection.batching else options.batch_size
        self.page_size = page_size or own_size
        self._size = PageSize(self.page_size, options)
        self._one_by_one_below = 0

    @property
    def offset(self) -> int:
        """The next offset to read; effects of everything below it are committed."""
        return self._bookmark.offset

    @property
    def blocked(self) -> set[str]:
        """The keys that are parked."""
        return self._parked.keys

    @property
    def due_in(self) -> float:
        """Seconds until the checkpoint must be stored though nothing had an effect, or a parked key is due again."""
        return min(self._bookmark.save_in, self._parked.due_in(self._parts.clock.micros()))

    # -- beginning and ending --------------------------------------------------

    async def must_wait(self) -> bool:
        """True while whoever ran the generation served before may be running side effects."""
        return self._effects is not None and await self._before.is_at_work()

    async def begin(self, told_until: int | None = None) -> None:
        """Take over the checkpoint, from here on a commit under an older epoch fails; and finish what was decided.

        With `told_until` side effects that are owed run first; those below it have run in this process, whatever the
        checkpoint says. Without it they are left to whoever takes pages.
        Raises CheckpointAheadOfLog if it lies beyond the log's head; LeaseLost if its generation has left the stage;
        PageUnfinished.
        """
        kept = await self._bookmark.learn()
        done = kept.effects
        if self._effects is not None and told_until is not None:
            done = max(done, told_until, await self._before.effects())
        self._set_effects(done)
        await self._bookmark.commit(kept.offset)
        await self._check_generation()
        left_out = set[int]()
        if kept.decided is not None:
            await finish(self._parts.log, self._worker, self._bookmark, kept.decided, self.page_size)
            left_out.update(kept.decided.left_out)
        if self._effects is not None and told_until is not None:
            await self._run_missed_effects(done, left_out | await self._parked.offsets(done, self.offset))
        await self.look_at_parked()

    def end(self) -> int:
        """Let go of what was read ahead; the offset below which side effects have run."""
        self._log.stop()
        return 0 if self._effects is None else self._effects.done

    async def last_word(self) -> None:
        """Say how far side effects have come, to whoever goes on; out of reach of the store, it is not known."""
        if self._effects is not None:
            self._set_effects(self._effects.done)
            with contextlib.suppress(CheckpointConflict, StoreError):
                await self._bookmark.last_word()

    def failures(self) -> list[Failure]:
        """Failures of committed pages since this was asked last."""
        told = [*self._failures]
        self._failures.clear()
        return told

    async def _check_generation(self) -> None:
        """After the takeover: whoever swaps from here on makes the next commit fail."""
        number = self._generation.number
        for generation in await self._parts.generations.all(self._projection.name):
            if generation.number == number and generation.state == self._generation.state:
                return
        raise LeaseLost(f"generation {number} of {self._projection.name!r} is no longer {self._generation.state}")

    # -- page by page ----------------------------------------------------------

    async def read(self, so_far: LogPage | None = None) -> LogPage:
        """The next page of events the projection handles; or `so_far` with what has come since."""
        if so_far is not None:
            return await self._read_on(so_far)
        return await self._log.read(self.offset, 1 if self.offset < self._one_by_one_below else self._size.next())

    async def _read_on(self, page: LogPage) -> LogPage:
        room = self.page_size - len(page.events)
        more = await self._parts.log.read(self.place.partition, page.next, room, self._worker.filter)
        return LogPage([*page.events, *more.events], more.next)

    async def take(self, page: LogPage) -> None:
        """Handle a page and commit it. Raises CheckpointConflict or StoreError, and then nothing is committed.

        At an event that cannot be passed the page ends: what came before it is committed, and what stopped it raised.
        """
        if not page.events:
            await self._pass(page.next)
            return
        began, before = _now(), set(self.blocked)
        batch = self._worker.batch()
        events, decoded = self._worker.wanted(page.events)
        outcome = await self._worker.handle(events, decoded, batch, self.blocked)
        next = page.next if outcome.stopped_at is None else outcome.stopped_at
        try:
            await self._bookmark.commit(next, batch, outcome.parked, left_out=outcome.left_out)
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
            self._set_effects(self._effects.done)
            await self._bookmark.save()  # at once: until then a swap, or a death, would have them run again
        if outcome.stopped_by is not None:
            raise outcome.stopped_by

    async def _pass(self, next: int) -> None:
        """Go past events that are not handled; they have no effects either."""
        if self._effects is not None and self._effects.done >= self.offset:
            self._set_effects(max(self._effects.done, next))
        await self._bookmark.pass_to(next, at_once=self._projection.inline)

    async def _refused(self, page: LogPage, error: HeadwaterError) -> None:
        """The store takes some change of this page for wrong: go on one by one until it is found, and park it."""
        if len(page.events) > 1:
            self._one_by_one_below = page.next
            return
        stored = page.events[0]
        item = self._worker.decoder.one(stored)
        parked = self._worker.refused(stored, item, error)
        await self._bookmark.commit(page.next, parked=[parked])
        self._parked.added([parked])
        self._failures.append(failure_of(stored, item, error))

    async def refresh(self) -> bool:
        """Go on from where appends have moved the checkpoint of an inline projection; False if they have not."""
        moved = await self._bookmark.refresh()
        if moved and self._effects is not None:
            await self._run_missed_effects(self._effects.done, ())
        return moved

    async def save(self) -> None:
        """Store the checkpoint without effects."""
        await self._bookmark.save()

    async def save_when_due(self) -> None:
        """Store the checkpoint if it has been behind for long enough."""
        await self._bookmark.save_when_due()

    async def look_at_parked(self) -> None:
        """Learn which keys are blocked; handle those whose first event is free to go, in order."""
        await self._replaying.look()

    # -- side effects ----------------------------------------------------------

    def _set_effects(self, done: int) -> None:
        if self._effects is not None:
            self._effects.done = self._bookmark.effects = done
            self._bookmark.save_soon()

    async def _run_missed_effects(self, start: int, parked: Container[int]) -> None:
        if self._effects is not None:
            await self._effects.run_missed(self.place.partition, start, self.offset, self._worker.owns, parked)
            self._set_effects(self._effects.done)

    # -- once more -------------------------------------------------------------

    async def reapply(self, start: int) -> int:
        """Handle a page of events below the checkpoint once more, over the rows as they are; where to go on.

        What is parked stays parked.
        """
        page = await self._parts.log.read(self.place.partition, start, self._size.next(), self._worker.filter)
        parked = await self._parked.offsets(start, page.next)
        again = [event for event in page.events if event.offset < self.offset and event.offset not in parked]
        batch = self._worker.batch()
        outcome = await self._worker.handle(*self._worker.wanted(again), batch, set())
        if outcome.stopped_by is not None:
            raise outcome.stopped_by
        await self._bookmark.commit(self.offset, batch, outcome.parked)
        self._parked.added(outcome.parked)
        self._failures += outcome.failures
        return min(page.next, self.offset)

    async def start_over(self, stream: str, removal: Change) -> None:
        """Take away what a stream has written, and handle its events below the checkpoint again, in one commit."""
        batch = self._worker.batch()
        batch.take_away(removal)
        waiting = [event.offset async for event in self._parked.queue(stream)]
        mine = self._worker.filter
        only = LogFilter(types=mine.types, hidden=mine.hidden, stream=stream)
        parked: list[ParkedEvent] = []
        start, blocked = 0, set[str]()
        while start < self.offset:
            page = await self._parts.log.read(self.place.partition, start, self.page_size, only)
            below = [event for event in page.events if event.offset < self.offset]
            outcome = await self._worker.handle(*self._worker.wanted(below), batch, blocked)
            if outcome.stopped_by is not None:
                raise outcome.stopped_by
            parked += outcome.parked
            self._failures += outcome.failures
            start = page.next
        await self._bookmark.commit(self.offset, batch, parked, waiting)
        await self.look_at_parked()


def _now() -> float:
    """Seconds by the loop: steady, whatever happens to the clock."""
    return asyncio.get_running_loop().time()

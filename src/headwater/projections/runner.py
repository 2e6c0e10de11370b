"""Runner: keeps one projection going at one place, for as long as it can hold the lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from headwater.errors import (
    CheckpointAheadOfLog,
    CheckpointConflict,
    HandlerExited,
    LeaseLost,
    PageUnfinished,
    ParkingFull,
    ProjectionStopped,
    StoreError,
)
from headwater.ports.conditions import Pause
from headwater.ports.generations import Generation
from headwater.ports.leases import Lease
from headwater.ports.log import LogPage
from headwater.ports.place import Place
from headwater.projections.leasing import acquired, given_back
from headwater.projections.nap import Nap
from headwater.projections.page import Failure
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.projection import Projection
from headwater.projections.renewal import Renewal
from headwater.projections.troubles import Troubles, new_owner
from headwater.projections.turn import Turn

__all__ = ["Runner"]

_LOOK_EVERY = 64
"""Pages between two looks at what is parked, while a key is blocked."""

_log = logging.getLogger("headwater.projections")


class Runner:
    """Lease, checkpoint, page, commit; again. Whatever goes wrong between two commits is forgotten and read again."""

    def __init__(
        self,
        projection: Projection,
        generation: Generation,
        place: Place,
        parts: ProjectionParts,
        options: RunnerOptions,
        tell: Callable[[Failure], Awaitable[None]],
    ) -> None:
        self.projection = projection
        self.place = place
        self.owner = new_owner()
        self.failed: Exception | None = None
        """Why it gave up for good."""
        self._generation = generation
        self._parts = parts
        self._options = options
        self._tell = tell
        self._troubles = Troubles(parts.conditions, place, self.owner, parts.clock)
        self._turn: Turn | None = None
        self._told_until = 0
        self._pause = 0.0
        self._pages = 0
        self._task: asyncio.Task[None] | None = None
        self._nap = Nap()
        self._stopping = False
        self._hurry_to = 0
        self._looks: list[asyncio.Future[None]] = []

    @property
    def running(self) -> bool:
        """True while it holds the lease."""
        return self._turn is not None

    def start(self) -> None:
        """Run as a task until `stop`."""
        self._stopping = False
        self._parts.arrivals.started(self.place)
        self._task = asyncio.create_task(self.run(), name=self.place.lease)

    def told_to_stop(self) -> asyncio.Task[None] | None:
        """The task, which will end after the page at hand; the lease is free then."""
        self._stopping = True
        self._nap.end()
        return self._task

    async def run(self) -> None:
        """Until `stop`; ends early only with `failed` set."""
        while not self._stopping and self.failed is None:
            try:
                await self._hold_lease()
            except (CheckpointConflict, LeaseLost) as error:
                _log.info("%s starts over: %s", self.place.lease, error)
            except (CheckpointAheadOfLog, HandlerExited, ProjectionStopped) as error:
                _log.error("%s gives up: %s", self.place.lease, error)  # its text says everything
                self.failed = error
                self._parts.arrivals.gave_up(self.place, error)
            except (StoreError, ParkingFull, PageUnfinished) as error:
                _log.warning("%s pauses: %s: %s", self.place.lease, type(error).__name__, error)
                await self._wait_after(error)
            except Exception as error:
                _log.exception("%s pauses after an unexpected error", self.place.lease)
                await self._wait_after(error)

    def hurry(self, offset: int) -> None:
        """Come to `offset` without waiting for full batches."""
        self._hurry_to = max(self._hurry_to, offset)
        self._nap.end()

    async def look_at_parked(self) -> None:
        """Have parked events handled that are free to go; returns when that is done, or the lease lost."""
        if self._turn is None:
            return
        if asyncio.current_task() is self._task:  # a listener of ours asks, between two pages
            await self._look(self._turn)
            return
        look = asyncio.get_running_loop().create_future()
        self._looks.append(look)
        self._nap.end()
        await look

    # -- under the lease -------------------------------------------------------

    async def _hold_lease(self) -> None:
        seen = self._parts.wakeups.seen()
        lease = await self._acquire()
        if lease is None:
            await self._rest(seen, self._options.lease_seconds / 3)
            return
        turn = Turn(self.projection, self._generation, self.place, self._parts, self._options, lease)
        backed_off = False
        try:
            await self._run_turn(turn, lease)
        except (CheckpointConflict, LeaseLost):
            raise
        except Exception as error:
            backed_off = await self._back_off(lease, turn, error)
            raise
        finally:
            self._told_until = max(self._told_until, turn.end())
            self._turn = None
            await turn.last_word()
            self._parts.arrivals.left(self.place)
            self._looked(self._looks)
            if not backed_off:
                await given_back(self._parts.leases, lease)

    async def _run_turn(self, turn: Turn, lease: Lease) -> None:
        async with Renewal(self._parts.leases, self._options.lease_seconds, [lease]) as renewal:
            await self._wait_for_others(turn)
            if self._stopping:
                return
            await turn.begin(self._told_until)
            await self._troubles.learn()
            self._turn = turn
            self._parts.arrivals.joined(self.place, self.hurry)
            self._announce(turn)
            await self._work(turn, renewal)

    async def _wait_for_others(self, turn: Turn) -> None:
        """Until those whose generation was served before have ended."""
        while not self._stopping:
            seen = self._parts.wakeups.seen()
            if not await turn.must_wait():
                return
            await self._rest(seen, self._options.lease_seconds / 3)

    async def _back_off(self, lease: Lease, turn: Turn, error: Exception) -> bool:
        """Say what happened where every process sees it, and keep all of them away for a while."""
        options = self._options
        for_good = isinstance(error, CheckpointAheadOfLog | HandlerExited | ProjectionStopped)
        self._pause = await self._troubles.report(
            error, turn.offset, 0.0 if for_good else options.pause, options.longest_pause
        )
        try:
            if isinstance(error, ProjectionStopped):
                reason, now = str(error), self._parts.clock.micros()
                pause = Pause(projection=self.projection.name, by=self.owner, reason=reason, since=now)
                await self._parts.conditions.pause(pause)
                self.failed = error
            if self._pause > 0:
                await self._parts.leases.back_off(lease, self._pause)
                return True
        except StoreError:
            pass  # out of reach: the lease runs out by itself
        return False

    async def _work(self, turn: Turn, renewal: Renewal) -> None:
        while not self._stopping:
            seen = self._parts.wakeups.seen()
            renewal.check()
            page = await turn.read()
            if self.projection.inline and await turn.refresh():  # what an append has handled is no page of ours
                self._announce(turn)
                continue
            if page.next == turn.offset:
                await self._idle(turn, seen)
                continue
            if page.events and self.projection.batching is not None:
                page = await self._collect(turn, page, self.projection.batching.flush_interval, renewal)
            await turn.take(page)
            await self._taken(turn)
        await turn.save()

    async def _taken(self, turn: Turn) -> None:
        self._pages += 1
        await self._troubles.over()
        self._announce(turn)
        if self._looks or (turn.blocked and self._pages % _LOOK_EVERY == 0):
            await self._look(turn)
        for failure in turn.failures():
            await self._tell(failure)

    async def _idle(self, turn: Turn, seen: int) -> None:
        """The end of the log."""
        await self._troubles.over()
        if self._looks or turn.blocked:
            await self._look(turn)
        for failure in turn.failures():
            await self._tell(failure)
        await self._rest(seen, min(turn.due_in, self._options.lease_seconds / 3))
        await turn.save_when_due()

    async def _collect(self, turn: Turn, page: LogPage, interval: float, renewal: Renewal) -> LogPage:
        """Read on until the batch is full or the flush is due."""
        due = _now() + interval
        while len(page.events) < turn.page_size and not self._in_a_hurry(turn):
            seen = self._parts.wakeups.seen()
            longer = await turn.read(page)
            if longer.next == page.next:
                if _now() >= due:
                    break
                renewal.check()
                await self._rest(seen, min(due - _now(), self._options.lease_seconds / 3))
            page = longer
        return page

    def _in_a_hurry(self, turn: Turn) -> bool:
        return self._stopping or turn.offset < self._hurry_to

    async def _look(self, turn: Turn) -> None:
        asked, self._looks = self._looks, []
        try:
            await turn.look_at_parked()
        finally:
            self._announce(turn)
            self._looked(asked)

    def _looked(self, asked: list[asyncio.Future[None]]) -> None:
        for look in asked:
            if not look.done():
                look.set_result(None)
        asked.clear()

    def _announce(self, turn: Turn) -> None:
        self._parts.arrivals.moved(self.place, turn.offset, bool(turn.blocked))

    # -- lease and rest --------------------------------------------------------

    async def _acquire(self) -> Lease | None:
        return await acquired(self._parts.leases, self.place.lease, self.owner, self._options.lease_seconds)

    async def _wait_after(self, error: Exception) -> None:
        """As long as the lease is left alone; where it could not even be taken, as long as it would have been."""
        if self._stopping:
            return
        options = self._options
        if self._pause == 0:
            self._pause = await self._troubles.report(error, 0, options.pause, options.longest_pause)
        await self._nap.wait(options.sleep(self._pause))
        self._pause = 0.0

    async def _rest(self, seen: int, seconds: float) -> None:
        """Until something may be new, or is asked for."""
        if self._stopping or self._looks or (self._turn is not None and self._in_a_hurry(self._turn)):
            return
        await self._nap.wait(self._parts.wakeups.wait(seen, seconds))


def _now() -> float:
    """Seconds by the loop: steady, whatever happens to the clock."""
    return asyncio.get_running_loop().time()

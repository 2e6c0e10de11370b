"""Rebuild: a projection's read models filled anew beside the ones that are served, then served in their place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator

from headwater.domain.version import check_count
from headwater.errors import CheckpointConflict, InvalidVersion, LeaseLost, RebuildRefused
from headwater.ports.generations import Generation
from headwater.ports.leases import Lease
from headwater.ports.place import Place
from headwater.projections.crew import new_generation
from headwater.projections.handover import Handover
from headwater.projections.leasing import acquired, given_back
from headwater.projections.page import Failure
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.progress import Meter, Progress
from headwater.projections.projection import Projection
from headwater.projections.reaching import places_of
from headwater.projections.renewal import Renewal
from headwater.projections.troubles import new_owner
from headwater.projections.turn import Turn

__all__ = ["Rebuild", "Rebuilder"]

Tell = Callable[[Failure], Awaitable[None]]


class Rebuild:
    """A rebuild under way: await it for the last Progress, or iterate for one after each transaction.

    Nothing happens before either. Left in the middle, what was filled is kept, and the next rebuild of the same code
    goes on from there; `cancel_rebuild` drops it.
    """

    def __init__(self, steps: AsyncGenerator[Progress, None]) -> None:
        self._steps = steps

    def __aiter__(self) -> AsyncIterator[Progress]:
        return self._steps

    def __await__(self) -> Generator[object, None, Progress]:
        return self._finish().__await__()

    async def _finish(self) -> Progress:
        last = Progress(done=0, total=0, seconds=0.0)
        async for progress in self._steps:
            last = progress
        return last


class Rebuilder:
    """Builds a generation of one projection; several processes may do so together, each at places of its own."""

    def __init__(self, projection: Projection, parts: ProjectionParts, options: RunnerOptions, tell: Tell) -> None:
        self._projection = projection
        self._parts = parts
        self._options = options
        self._tell = tell
        self._owner = new_owner()

    def check(self, from_event: int, batch_size: int) -> None:
        """Raises InvalidVersion for numbers out of range, RebuildRefused where `from_event` cannot be honoured."""
        check_count(from_event, "from_event")
        if check_count(batch_size, "batch_size") < 1:
            raise InvalidVersion("batch_size is a number of events from 1, got 0")
        if from_event > 0 and self._parts.log.partitions > 1:
            raise RebuildRefused(
                f"this log has {self._parts.log.partitions} partitions, and from_event={from_event} names one offset: "
                "rebuild from_event=0"
            )
        if from_event > 0 and self._parts.by_event:
            raise RebuildRefused(
                f"in this store a row knows which events it has, and handled once more they change nothing: rebuild "
                f"from_event=0 instead of {from_event}"
            )

    async def beside(self, batch_size: int, generation: Generation | None = None) -> AsyncGenerator[Progress, None]:
        """Fill a generation beside the one served, from where it is to the log's end, and have it served.

        Without one that is being built, the one that is built for this code, or a new one.

        Progress after each transaction made here. Raises RebuildRefused, StoreError.
        """
        generation = generation or await self._begun()
        places = places_of(generation, self._parts.log.partitions)
        stride = _Stride(self._parts, places)
        progress = await stride.progress()
        yield progress
        moved: asyncio.Queue[None] = asyncio.Queue(maxsize=1)
        workers = [asyncio.create_task(self._work(generation, place, batch_size, moved)) for place in places]
        handover = Handover(generation, self._parts, self._options, batch_size)
        try:
            while not await handover.done(progress.finished):
                await _next(moved, workers)
                progress = await stride.progress()
                yield progress
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)

    async def again_from(self, served: Generation, start: int, page_size: int) -> AsyncGenerator[Progress, None]:
        """Events from `start` up to the checkpoint once more, over the rows as they are; tables must fit their classes.

        Raises RebuildRefused while another process runs the projection.
        """
        place = Place(self._projection.name, 0, served.number)
        await self._parts.schema.ensure(self._projection.writes)
        lease = await self._acquire(place)
        if lease is None:
            raise RebuildRefused(f"another process runs {self._projection.name!r}: stop it there, then rebuild")
        turn = Turn(self._projection, served, place, self._parts, self._options, lease, page_size)
        try:
            async with Renewal(self._parts.leases, self._options.lease_seconds, [lease]) as renewal:
                await turn.begin()
                meter = Meter(max(0, turn.offset - start), self._parts.timer())
                yield meter.add(0, self._parts.timer())
                while start < turn.offset:
                    next = await turn.reapply(start)
                    await self._told(turn)
                    renewal.check()
                    yield meter.add(next - start, self._parts.timer())
                    start = next
        finally:
            turn.end()
            await given_back(self._parts.leases, lease)

    # -- inside ----------------------------------------------------------------

    async def _begun(self) -> Generation:
        """The one being built for this code, or a new one; where nothing was ever served, beside an empty first one."""
        wanted = new_generation(self._projection)
        await self._parts.generations.begin(wanted, beside=False)
        return await self._parts.generations.begin(wanted)

    async def _work(self, generation: Generation, place: Place, batch_size: int, moved: asyncio.Queue[None]) -> None:
        """Fill one place, whenever no other process does, until cancelled."""
        while True:
            seen = self._parts.wakeups.seen()
            lease = await self._acquire(place)
            if lease is not None:
                with contextlib.suppress(CheckpointConflict, LeaseLost):
                    await self._fill(generation, place, lease, batch_size, moved)
            _say(moved)
            await self._parts.wakeups.wait(seen, self._options.lease_seconds / 3)

    async def _fill(
        self, generation: Generation, place: Place, lease: Lease, batch_size: int, moved: asyncio.Queue[None]
    ) -> None:
        turn = Turn(self._projection, generation, place, self._parts, self._options, lease, batch_size)
        try:
            async with Renewal(self._parts.leases, self._options.lease_seconds, [lease]) as renewal:
                await turn.begin()
                while True:
                    seen = self._parts.wakeups.seen()
                    renewal.check()
                    page = await turn.read()
                    if page.next == turn.offset:
                        await turn.save()
                        _say(moved)
                        await self._parts.wakeups.wait(seen, self._options.lease_seconds / 3)
                        continue
                    await turn.take(page)
                    await self._told(turn)
                    _say(moved)
                    await asyncio.sleep(0)
        finally:
            turn.end()
            await given_back(self._parts.leases, lease)

    async def _acquire(self, place: Place) -> Lease | None:
        return await acquired(self._parts.leases, place.lease, self._owner, self._options.lease_seconds)

    async def _told(self, turn: Turn) -> None:
        for failure in turn.failures():
            await self._tell(failure)


class _Stride:
    """How far the places of a generation are on their way to where the log ended when it began."""

    def __init__(self, parts: ProjectionParts, places: list[Place]) -> None:
        self._parts = parts
        self._places = places
        self._began = parts.timer()
        self._goals: dict[int, int] = {}

    async def progress(self) -> Progress:
        for place in self._places:
            if place.partition not in self._goals:
                self._goals[place.partition] = await self._parts.log.head(place.partition)
        offsets = {kept.place: kept.offset for kept in await self._parts.store.checkpoints(self._places[0].projection)}
        total = sum(self._goals[place.partition] for place in self._places)
        done = sum(min(offsets.get(place, 0), self._goals[place.partition]) for place in self._places)
        seconds = (self._parts.timer() - self._began) / 1_000_000
        return Progress(done=done, total=total, seconds=seconds)


def _say(moved: asyncio.Queue[None]) -> None:
    if moved.empty():
        moved.put_nowait(None)


async def _next(moved: asyncio.Queue[None], workers: list[asyncio.Task[None]]) -> None:
    """Until some place has moved; raises what ended a worker."""
    waiting = asyncio.ensure_future(moved.get())
    try:
        await asyncio.wait([waiting, *workers], return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not waiting.done():
            waiting.cancel()
    for worker in workers:
        if worker.done():
            worker.result()

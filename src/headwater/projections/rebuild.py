"""Rebuild: empty a projection's read models and fill them again from the log."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator

from headwater.domain.version import check_count
from headwater.errors import InvalidVersion, RebuildRefused, StoreError
from headwater.ports.leases import Lease
from headwater.projections.page import Failure
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.progress import Meter, Progress
from headwater.projections.projection import Projection
from headwater.projections.renewal import Renewal
from headwater.projections.runner import lease_name
from headwater.projections.turn import Turn

__all__ = ["Rebuild", "Rebuilder"]


class Rebuild:
    """A rebuild under way: await it for the last Progress, or iterate for one after each transaction.

    Nothing happens before either. Left in the middle, the projection goes on from where it came.
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
    """One rebuild of one projection, while this process holds the leases of all its partitions."""

    def __init__(
        self,
        projection: Projection,
        parts: ProjectionParts,
        options: RunnerOptions,
        tell: Callable[[Failure], Awaitable[None]],
    ) -> None:
        self._projection = projection
        self._parts = parts
        self._options = options
        self._tell = tell
        self._owner = secrets.token_hex(8)
        self._leases: list[Lease] = []

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

    async def run(self, from_event: int, batch_size: int) -> AsyncGenerator[Progress, None]:
        """Progress after each transaction. Raises RebuildRefused while another process runs the projection."""
        steps = self._again_from(from_event, batch_size) if from_event else self._from_nothing(batch_size)
        try:
            await self._take_leases()
            renewal = Renewal(self._parts.leases, self._options.lease_seconds, self._leases)
            async with renewal, contextlib.aclosing(steps):
                async for progress in steps:
                    renewal.check()
                    yield progress
        finally:
            for lease in self._leases:
                with contextlib.suppress(StoreError):  # it runs out by itself
                    await self._parts.leases.release(lease)

    async def _from_nothing(self, page_size: int) -> AsyncGenerator[Progress, None]:
        projection, parts = self._projection, self._parts
        heads = [await parts.log.head(partition) for partition in range(parts.log.partitions)]
        await parts.store.reset(projection.name, projection.writes, self._leases[0].epoch)
        meter = self._meter(sum(heads))
        yield meter.add(0, parts.clock.micros())
        for lease, head in zip(self._leases, heads, strict=True):
            turn = Turn(projection, parts, self._options, lease, page_size)
            await turn.begin()
            try:
                while turn.offset < head:
                    before = turn.offset
                    await turn.take(await turn.read())
                    yield await self._after(turn, meter, turn.offset - before)
            finally:
                turn.end()
            await turn.save()

    async def _again_from(self, start: int, page_size: int) -> AsyncGenerator[Progress, None]:
        """Events below the checkpoint once more, over the rows as they are; tables must fit their classes."""
        await self._parts.schema.ensure(self._projection.writes)
        turn = Turn(self._projection, self._parts, self._options, self._leases[0], page_size)
        await turn.begin()
        meter = self._meter(max(0, turn.offset - start))
        yield meter.add(0, self._parts.clock.micros())
        while start < turn.offset:
            next = await turn.reapply(start)
            yield await self._after(turn, meter, next - start)
            start = next

    async def _after(self, turn: Turn, meter: Meter, events: int) -> Progress:
        for failure in turn.failures():
            await self._tell(failure)
        return meter.add(events, self._parts.clock.micros())

    def _meter(self, total: int) -> Meter:
        return Meter(total, self._parts.clock.micros())

    # -- leases ----------------------------------------------------------------

    async def _take_leases(self) -> None:
        """Every partition's lease, all of one epoch: the reset sets one for all."""
        for partition in range(self._parts.log.partitions):
            self._leases.append(await self._acquire(partition))
        highest = max(lease.epoch for lease in self._leases)
        for partition in range(len(self._leases)):
            while self._leases[partition].epoch < highest:
                await self._parts.leases.release(self._leases[partition])
                self._leases[partition] = await self._acquire(partition)

    async def _acquire(self, partition: int) -> Lease:
        seconds = self._options.lease_seconds
        lease = await self._parts.leases.acquire(lease_name(self._projection.name, partition), self._owner, seconds)
        if lease is None:
            raise RebuildRefused(
                f"another process runs {self._projection.name!r} (partition {partition}): stop it there, then rebuild"
            )
        return lease

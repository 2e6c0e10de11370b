"""Resetter: a projection, a partition or a stream of it, sent back to the start in place."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from headwater.domain.stream import StreamId
from headwater.errors import InvalidVersion, ResetRefused, StoreError
from headwater.models.changes import Change
from headwater.ports.conditions import Pause
from headwater.ports.generations import Generation
from headwater.ports.leases import Lease
from headwater.ports.log import LogFilter
from headwater.ports.place import Place
from headwater.ports.projection_store import Reset
from headwater.projections.leasing import acquired, given_back
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.projection import Projection
from headwater.projections.reaching import Deadline, places_of
from headwater.projections.troubles import new_owner
from headwater.projections.turn import Turn

__all__ = ["Resetter"]

_PAGE = 1_000
_PATIENCE = 30.0
"""Seconds in which whoever runs the projection must have let go of it."""


class Resetter:
    """Has the projection stand still in every process, takes its leases, resets, and lets it go on."""

    def __init__(
        self, projection: Projection, served: Generation, parts: ProjectionParts, options: RunnerOptions
    ) -> None:
        self._projection = projection
        self._served = served
        self._parts = parts
        self._options = options

    async def reset(self, partition: int | None, stream: str | None) -> str:
        """What was reset, in words. Raises ResetRefused, InvalidVersion, StoreError."""
        name = self._projection.name
        if partition is not None and stream is not None:
            raise InvalidVersion("a reset is of a partition or of a stream: name one of them")
        if stream is not None:
            await self._reset_stream(stream)
            return f"{name}, stream {stream}"
        if partition is not None and self._parts.log.partitions > 1:
            await self._reset_partition(partition)
            return f"{name}, partition {partition}"
        if partition:
            raise InvalidVersion(f"there is no partition {partition}: this log has 1, from 0")
        await self._reset_all()
        return name

    async def _reset_all(self) -> None:
        async with self._held(places_of(self._served, self._parts.log.partitions)) as leases:
            epoch = max(lease.epoch for lease in leases)
            name, number = self._projection.name, self._served.number
            reset = Reset(projection=name, generation=number, epoch=epoch, models=self._projection.writes)
            await self._parts.store.reset(reset)

    async def _reset_partition(self, partition: int) -> None:
        if not 0 <= partition < self._parts.log.partitions:
            raise InvalidVersion(
                f"there is no partition {partition}: this log has {self._parts.log.partitions}, from 0"
            )
        places = [p for p in places_of(self._served, self._parts.log.partitions) if p.partition == partition]
        async with self._held(places) as leases:
            changes: list[Change] = []
            for place in places:
                end = (await self._parts.store.checkpoint(place)).end
                changes += [self._removal(stream) for stream in await self._streams(partition, end)]
            reset = Reset(
                projection=self._projection.name,
                generation=self._served.number,
                epoch=max(lease.epoch for lease in leases),
                partition=partition,
                changes=changes,
            )
            await self._parts.store.reset(reset)

    async def _reset_stream(self, stream: str) -> None:
        StreamId.parse(stream)
        removal = self._removal(stream)
        place = await self._parts.log.offset_of(stream, 1)
        if place is None:
            raise ResetRefused(f"there is no stream {stream!r}: see `headwater streams ls`")
        places = [p for p in places_of(self._served, self._parts.log.partitions) if p.partition == place[0]]
        async with self._held(places) as leases:
            for place_held, lease in zip(places, leases, strict=True):
                turn = Turn(self._projection, self._served, place_held, self._parts, self._options, lease)
                try:
                    await turn.begin()
                    await turn.start_over(stream, removal)
                finally:
                    turn.end()

    def _removal(self, stream: str) -> Change:
        removal = self._projection.handler.removal_of(stream)
        if removal is None:
            raise ResetRefused(
                f"rows of {self._projection.name!r} may be fed by more than one stream: rebuild it, or make it a Fold "
                "whose key is the stream"
            )
        return removal

    async def _streams(self, partition: int, end: int) -> list[str]:
        """The streams it has handled events of, below an offset."""
        types = self._parts.registry.stored_names(self._projection.events) if self._projection.events else ()
        only = LogFilter(types=types, hidden=self._projection.hidden)
        streams: dict[str, None] = {}
        start = 0
        while start < end:
            page = await self._parts.log.read(partition, start, _PAGE, only)
            streams.update(dict.fromkeys(event.stream for event in page.events if event.offset < end))
            start = page.next
        return [*streams]

    # -- standing still --------------------------------------------------------

    @asynccontextmanager
    async def _held(self, places: Sequence[Place]) -> AsyncGenerator[Sequence[Lease], None]:
        """The leases of the places, all of one epoch or above any that was written, while nobody else runs them."""
        conditions, owner = self._parts.conditions, new_owner()
        name = self._projection.name
        was_paused = name in {pause.projection for pause in await conditions.pauses()}
        if not was_paused:
            now = self._parts.clock.micros()
            await conditions.pause(Pause(projection=name, by=owner, reason="it is being reset", since=now))
        leases: list[Lease] = []
        try:
            for place in places:
                leases.append(await self._acquired(place, owner))  # noqa: PERF401  # what is held is released if one fails
            yield leases
        finally:
            with contextlib.suppress(StoreError):
                for lease in leases:
                    await given_back(self._parts.leases, lease)
                if not was_paused:
                    await conditions.resume(name)

    async def _acquired(self, place: Place, owner: str) -> Lease:
        deadline = Deadline(self._parts, _PATIENCE)
        while True:
            seen = self._parts.wakeups.seen()
            lease = await acquired(self._parts.leases, place.lease, owner, self._options.lease_seconds)
            if lease is not None:
                return lease
            if deadline.seconds_left <= 0:
                raise ResetRefused(
                    f"another process does not let go of {place.lease}: see `headwater projections status`"
                )
            await self._parts.wakeups.wait(seen, min(1.0, deadline.seconds_left))

"""DeadLetterQueue: what projections have parked, and how it gets out again."""

from __future__ import annotations

import builtins
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from headwater.domain.event import Recorded, StoredEvent
from headwater.errors import HeadwaterError, InvalidMessage, UnknownName
from headwater.ports.log import LogFilter
from headwater.ports.parking import ParkedEvent, ParkedPlace, ParkedQueue
from headwater.projections.audit import Audit
from headwater.projections.page import PageHandler
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.projection import Projection, find

__all__ = ["DeadLetterQueue", "Release", "Retried"]

Release: TypeAlias = Callable[[Projection, int], Awaitable[None]]
"""Has the parked events of a projection and partition handled that are free to go."""


class Retried(msgspec.Struct, frozen=True):
    """What became of the events that were retried."""

    handled: int
    """Their effect is committed, and they are parked no longer."""
    parked: int
    """They failed again, or wait behind one that did; those that came meanwhile included."""
    pending: int
    """They are left to the process that runs the projection."""


class DeadLetterQueue:
    """Parked events of what is served, of every projection of an application.

    A key's events leave in order, each with its effect in one commit. Whoever holds the projection's lease does
    it: this process, or the one that runs the projection, which sees within moments that it is asked to. Every deed
    is noted in the journal, under the name given with `by=`.
    """

    def __init__(
        self,
        parts: ProjectionParts,
        projections: Mapping[str, Projection],
        release: Release,
        audit: Audit,
        options: RunnerOptions,
    ) -> None:
        self._parts = parts
        self._projections = projections
        self._release = release
        self._audit = audit
        self._options = options

    async def add(self, event: Recorded[object], error: Exception, projection: object = None, by: str = "") -> None:
        """Park an event by hand. One that a projection has parked already, as every `projection_error` is, stays.

        Raises UnknownName if no projection has parked it and none is named.
        """
        partition, offset = event.position.partition, event.position.offset
        if projection is None:
            for name in self._projections:
                if await self._at(await self._place(name, partition, offset)) is not None:
                    return
            raise UnknownName(f"no projection has parked the event at {event.position}: name one, projection=...")
        named = find(self._projections, projection)
        place = await self._place(named.name, partition, offset)
        if await self._at(place) is not None:
            return
        pages = PageHandler(named, self._options, generation=place.generation, now=self._parts.clock.micros())
        key = pages.key_of(event.stored, event)
        await self._parts.parking.park(pages.parked_for(event.stored, key, error, attempts=1))
        await self._audit.note("parked.add", _shown(place), by)
        await self._release(named, partition)

    async def list(
        self, projection: object = None, key: str | None = None, after: ParkedPlace | None = None, limit: int = 1_000
    ) -> builtins.list[ParkedEvent]:
        """What is parked, by place: at most `limit`, those behind `after`. The first of a key has an `error`."""
        names = sorted(self._projections) if projection is None else [find(self._projections, projection).name]
        found: builtins.list[ParkedEvent] = []
        for name in names:
            if after is None or after.projection <= name:
                generation, room = await self._generation(name), limit - len(found)
                found += await self._parts.parking.parked(name, key, generation=generation, after=after, limit=room)
        return found

    async def retry(
        self, projection: object, key: str | None = None, offset: int | None = None, by: str = ""
    ) -> Retried:
        """Handle parked events again: all of a projection, of a key, or of the key of the event at `offset`.

        Each key goes in order, up to the first event that fails again. Raises UnknownName if nothing is parked there.
        """
        named = find(self._projections, projection)
        generation = await self._generation(named.name)
        keys = {key} if offset is None else await self._keys_at(named.name, generation, offset)
        queues = [q for q in await self._queues(named.name, generation) if None in keys or q.key in keys]
        if not queues and keys != {None}:
            raise UnknownName(f"{named.name!r} has nothing parked for key={key!r}, offset={offset}")
        offsets = {(queue.partition, queue.key): await self._offsets(queue) for queue in queues}
        for queue in queues:
            await self._free(queue)
        subject = named.name if key is None else f"{named.name}, key {key}"
        await self._audit.note("parked.retry", subject, by, f"{len(queues)} keys")
        for freed in sorted({queue.partition for queue in queues}):
            await self._release(named, freed)
        left = [q for q in await self._queues(named.name, generation) if (q.partition, q.key) in offsets]
        first = {(queue.partition, queue.key): queue.first for queue in left}
        gone = [o for at, asked in offsets.items() for o in asked if at not in first or o < first[at]]
        parked = sum(queue.events for queue in left if queue.error is not None)
        pending = sum(queue.events for queue in left if queue.error is None)
        return Retried(handled=len(gone), parked=parked, pending=pending)

    async def edit(
        self, projection: object, offset: int, data: Mapping[str, object], partition: int = 0, by: str = ""
    ) -> None:
        """Replace the data a retry will use, in the shape it is stored in. The log itself never changes.

        Raises InvalidMessage if the event's class cannot be read from it, UnknownName if nothing is parked there.
        """
        named = find(self._projections, projection)
        stored = await self._stored(partition, offset)
        place = await self._place(named.name, partition, offset)
        if stored is None:
            raise _nothing_parked(place)
        encoded = msgspec.json.encode(data)
        try:
            self._parts.registry.decode(stored.type, stored.schema, encoded)
        except HeadwaterError as error:
            raise InvalidMessage(f"this is no {stored.type} as it is stored: {error}") from error
        if not await self._parts.parking.edit(place, encoded):
            raise _nothing_parked(place)
        await self._audit.note("parked.edit", _shown(place), by)

    async def discard(self, projection: object, offset: int, partition: int = 0, by: str = "") -> None:
        """Forget one for good; those that waited behind it go on. UnknownName if nothing is parked there."""
        named = find(self._projections, projection)
        place = await self._place(named.name, partition, offset)
        if not await self._parts.parking.discard(place):
            raise _nothing_parked(place)
        await self._audit.note("parked.discard", _shown(place), by)
        await self._release(named, partition)

    # -- inside ----------------------------------------------------------------

    async def _free(self, queue: ParkedQueue) -> None:
        """Have the first event of a key tried again by whoever holds the place."""
        place = ParkedPlace(queue.projection, queue.generation, queue.partition, queue.first)
        first = await self._at(place)
        if first is not None:
            free = msgspec.structs.replace(first, error=None, trace="", attempts=0, retry_at=None, data=None)
            await self._parts.parking.park(free)

    async def _offsets(self, queue: ParkedQueue) -> builtins.list[int]:
        """Of the events in it now; others may come to its end at any time."""
        offsets: builtins.list[int] = []
        after = ParkedPlace(queue.projection, queue.generation, queue.partition, queue.first - 1)
        while events := await self._parts.parking.parked(
            queue.projection, queue.key, generation=queue.generation, partition=queue.partition, after=after
        ):
            offsets += [event.offset for event in events]
            after = events[-1].place
        return offsets

    async def _keys_at(self, projection: str, generation: int, offset: int) -> set[str | None]:
        """The keys of what is parked at an offset, of whatever partition."""
        places = [ParkedPlace(projection, generation, n, offset) for n in range(self._parts.log.partitions)]
        return {event.key for event in [await self._at(place) for place in places] if event is not None}

    async def _queues(self, projection: str, generation: int) -> Sequence[ParkedQueue]:
        return await self._parts.parking.queues(projection, generation)

    async def _generation(self, projection: str) -> int:
        served = [g.number for g in await self._parts.generations.all(projection) if g.state == "serving"]
        return served[0] if served else 0

    async def _place(self, projection: str, partition: int, offset: int) -> ParkedPlace:
        return ParkedPlace(projection, await self._generation(projection), partition, offset)

    async def _at(self, place: ParkedPlace) -> ParkedEvent | None:
        before = msgspec.structs.replace(place, offset=place.offset - 1)
        found = await self._parts.parking.parked(
            place.projection, generation=place.generation, partition=place.partition, after=before, limit=1
        )
        return found[0] if found and found[0].place == place else None

    async def _stored(self, partition: int, offset: int) -> StoredEvent | None:
        events = (await self._parts.log.read(partition, offset, 1, LogFilter(hidden=True))).events
        return events[0] if events and events[0].offset == offset else None


def _shown(place: ParkedPlace) -> str:
    return f"{place.projection}, {place.partition}:{place.offset}"


def _nothing_parked(place: ParkedPlace) -> UnknownName:
    return UnknownName(
        f"{place.projection!r} has nothing parked at {place.partition}:{place.offset}: see `headwater dlq ls`"
    )

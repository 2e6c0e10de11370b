"""DeadLetterQueue: what projections have parked, and how it gets out again."""

from __future__ import annotations

import builtins
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.position import Position
from headwater.errors import HeadwaterError, InvalidMessage, UnknownName
from headwater.ports.log import LogFilter
from headwater.ports.parking import ParkedEvent
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
    """They failed again, or wait behind one that did."""
    pending: int
    """They are left to the process that runs the projection."""


class DeadLetterQueue:
    """Parked events of every projection of an application.

    A key's events leave in order, each with its effect in one commit. Whoever holds the projection's lease does
    it: this process, or the one that runs the projection, which sees within moments that it is asked to.
    """

    def __init__(self, parts: ProjectionParts, projections: Mapping[str, Projection], release: Release) -> None:
        self._parts = parts
        self._projections = projections
        self._release = release

    async def add(self, event: Recorded[object], error: Exception, projection: object = None) -> None:
        """Park an event by hand. One that a projection has parked already, as every `projection_error` is, stays.

        Raises UnknownName if no projection has parked it and none is named.
        """
        place = event.position
        parked = [p for p in await self._parts.parking.parked() if Position(p.partition, p.offset) == place]
        if projection is None and not parked:
            raise UnknownName(f"no projection has parked the event at {place}: name one, projection=...")
        if projection is None or find(self._projections, projection).name in {p.projection for p in parked}:
            return
        named = find(self._projections, projection)
        pages = PageHandler(named, RunnerOptions(), now=self._parts.clock.micros())
        key = pages.key_of(event.stored, event)
        await self._parts.parking.park(pages.parked_for(event.stored, key, error, attempts=1))
        await self._release(named, place.partition)

    async def list(self, projection: object = None, key: str | None = None) -> builtins.list[ParkedEvent]:
        """What is parked, by projection, partition and offset; the first of a key has an `error`."""
        name = None if projection is None else find(self._projections, projection).name
        return [*await self._parts.parking.parked(name, key)]

    async def retry(self, projection: object, key: str | None = None, offset: int | None = None) -> Retried:
        """Handle parked events again: all of a projection, of a key, or of the key of the event at `offset`.

        Each key goes in order, up to the first event that fails again. Raises UnknownName if nothing is parked there.
        """
        named = find(self._projections, projection)
        chosen = _queues(await self._parts.parking.parked(named.name, key), offset)
        if not chosen and (key is not None or offset is not None):
            raise UnknownName(f"{named.name!r} has nothing parked for key={key!r}, offset={offset}")
        for queue in chosen.values():
            free = msgspec.structs.replace(queue[0], error=None, trace="", attempts=0, data=None)
            await self._parts.parking.park(free)
        for partition in sorted({partition for partition, _ in chosen}):
            await self._release(named, partition)
        asked = {(event.partition, event.offset) for queue in chosen.values() for event in queue}
        left = [e for e in await self._parts.parking.parked(named.name) if (e.partition, e.offset) in asked]
        parked = sum(len(queue) for queue in _queues(left).values() if queue[0].error is not None)
        return Retried(handled=len(asked) - len(left), parked=parked, pending=len(left) - parked)

    async def edit(self, projection: object, offset: int, data: Mapping[str, object], partition: int = 0) -> None:
        """Replace the data a retry will use, in the shape it is stored in. The log itself never changes.

        Raises InvalidMessage if the event's class cannot be read from it, UnknownName if nothing is parked there.
        """
        named = find(self._projections, projection)
        stored = await self._stored(partition, offset)
        if stored is None:
            raise _nothing_parked(named.name, partition, offset)
        encoded = msgspec.json.encode(data)
        try:
            self._parts.registry.decode(stored.type, stored.schema, encoded)
        except HeadwaterError as error:
            raise InvalidMessage(f"this is no {stored.type} as it is stored: {error}") from error
        if not await self._parts.parking.edit(named.name, partition, offset, encoded):
            raise _nothing_parked(named.name, partition, offset)

    async def discard(self, projection: object, offset: int, partition: int = 0) -> None:
        """Forget one for good; those that waited behind it go on. UnknownName if nothing is parked there."""
        named = find(self._projections, projection)
        if not await self._parts.parking.discard(named.name, partition, offset):
            raise _nothing_parked(named.name, partition, offset)
        await self._release(named, partition)

    async def _stored(self, partition: int, offset: int) -> StoredEvent | None:
        events = (await self._parts.log.read(partition, offset, 1, LogFilter(hidden=True))).events
        return events[0] if events and events[0].offset == offset else None


def _queues(parked: Sequence[ParkedEvent], offset: int | None = None) -> dict[tuple[int, str], list[ParkedEvent]]:
    """Parked events by partition and key; of all keys, or of those that hold the event at `offset`."""
    queues: dict[tuple[int, str], list[ParkedEvent]] = {}
    for event in parked:
        queues.setdefault((event.partition, event.key), []).append(event)
    if offset is None:
        return queues
    return {place: queue for place, queue in queues.items() if any(event.offset == offset for event in queue)}


def _nothing_parked(projection: str, partition: int, offset: int) -> UnknownName:
    return UnknownName(f"{projection!r} has nothing parked at {partition}:{offset}: see `headwater dlq ls`")

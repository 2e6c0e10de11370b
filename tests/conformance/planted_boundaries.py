"""Bugs in what holds a boundary, planted one at a time into a healthy memory engine."""

from __future__ import annotations

import asyncio

import msgspec

from headwater.domain.append import Append, Appended
from headwater.domain.boundary import Alternative, Boundary, BoundaryPage, Mark
from headwater.engines.memory.boundaries import check_unchanged
from headwater.engines.memory.event_store import MemoryEventStore
from headwater.errors import BoundaryChanged
from tests.conformance.planted import with_writes

replace = msgspec.structs.replace


class ConditionCheckedTooEarly(MemoryEventStore):
    """Another append may come between the look at the boundary and the write."""

    async def append_within(self, append: Append) -> Appended:
        check_unchanged(self._state, append)
        await asyncio.sleep(0)
        return await super().append_within(replace(append, conditions=()))


class TagsAfterTheCommit(MemoryEventStore):
    """The events are there, and nobody finds them yet."""

    async def append_within(self, append: Append) -> Appended:
        bare = [[replace(event, tags=()) for event in write.events] for write in append.writes]
        writes = [replace(write, events=tuple(events)) for write, events in zip(append.writes, bare, strict=True)]
        done = await super().append_within(replace(append, writes=tuple(writes)))
        await asyncio.sleep(0)
        for written, write in zip(done.writes, append.writes, strict=True):
            stored = self._state.events_of(written.stream)[written.first - 1 : written.last]
            for event, new in zip(stored, write.events, strict=True):
                if new.tags:
                    self._state.tags[event.partition].add(event.offset, new.tags)
        return done


class ConditionOnItsOwnPartitions(MemoryEventStore):
    """What may match it is looked for only where it writes."""

    async def append_within(self, append: Append) -> Appended:
        state = self._state
        written = {state.partition_of(write.partition_key or str(write.stream)) for write in append.writes}
        for condition in append.conditions:
            for alternative in condition.boundary:
                for partition in written:
                    start = condition.after.offset(partition)
                    if any(True for _ in state.tags[partition].matching(alternative, state.log[partition], start)):
                        raise BoundaryChanged(str(alternative), alternative.tags)
        return await super().append_within(replace(append, conditions=()))


class AnyTagIsEnough(MemoryEventStore):
    async def read_within(self, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
        either = Boundary.any_of(Alternative((tag,), each.types) for each in boundary for tag in each.tags)
        return await super().read_within(either, after, limit)


class MarkAtTheEnd(MemoryEventStore):
    """A page that was cut says that everything was read."""

    async def read_within(self, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
        page = await super().read_within(boundary, after, limit)
        return replace(page, mark=Mark(tuple(map(len, self._state.log)), page.mark.time))


class MarkForgetsTime(MemoryEventStore):
    """What is decided may seem older than what it was decided on."""

    async def read_within(self, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
        page = await super().read_within(boundary, after, limit)
        return replace(page, mark=Mark(page.mark.offsets))


class OwnEventsBreakIt(MemoryEventStore):
    """An append of several events within its own boundary is taken for its own rival."""

    async def append_within(self, append: Append) -> Appended:
        events = [event for write in append.writes for event in write.events]
        for condition in append.conditions:
            for alternative in condition.boundary:
                if sum(alternative.matches(event.type, event.tags) for event in events) > 1:
                    raise BoundaryChanged(str(alternative), alternative.tags)
        return await super().append_within(append)


class ConditionsIgnoredInline(MemoryEventStore):
    async def append_inline(self, append: Append, inline: object) -> Appended:
        return await super().append_inline(replace(append, conditions=()), inline)  # type: ignore[arg-type]


class OrdinaryAppendsHaveNoTags(MemoryEventStore):
    async def append(self, append: Append) -> Appended:
        events = tuple(replace(event, tags=()) for write in append.writes for event in write.events)
        return await super().append(with_writes(append, events=events))

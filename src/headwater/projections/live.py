"""Live: the row of one stream as of its head, from the stream, and from what is stored of it where that may help."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, Generic, TypeVar

import msgspec

from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId
from headwater.models.model import ReadModel
from headwater.ports.event_store import EventStore
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint
from headwater.projections.folding import Folding
from headwater.projections.handler import declaration_of
from headwater.projections.intake import Intake
from headwater.projections.lifecycle import lifecycle_of
from headwater.projections.parts import ProjectionParts

__all__ = ["StreamRow", "StreamRows"]

M = TypeVar("M", bound=ReadModel)
M_co = TypeVar("M_co", bound=ReadModel, covariant=True)

_PAGE: Final = 1_000
"""Events of a long stream in memory at once."""
_TAIL: Final = 16
"""Events looked at first for where the stored row ends."""
_TRIES: Final = 3
"""Reads of a row that is being written, before the stream is folded instead."""


class StreamRow(msgspec.Struct, Generic[M_co], frozen=True):
    """A row and how many events of its stream are in it."""

    row: M_co | None
    version: int


class _Stored(msgspec.Struct, frozen=True):
    """A stored row, and the checkpoint before and after it was read."""

    row: ReadModel | None
    before: Checkpoint
    after: Checkpoint

    def is_of(self, tail: Sequence[StoredEvent]) -> bool:
        """False where it may hold some of the events that come after the first checkpoint, or was reset."""
        if self.after.epoch != self.before.epoch or self.after.offset < self.before.offset:
            return False
        return not any(event.offset < self.after.end for event in tail)


class StreamRows:
    """Rows of streams, exact whatever their fold's lifecycle."""

    def __init__(self, parts: ProjectionParts, events: EventStore) -> None:
        self._parts = parts
        self._events = events

    async def at_head(self, folding: Folding[M], stream: StreamId) -> StreamRow[M]:
        """The row after every event of the stream. Raises what a step raises, DecodingError, StoreError.

        It starts from the stored row where there is one of this code's version with nothing of the stream parked, and
        folds what lies behind the checkpoint; else it folds the whole stream.
        """
        intake = _intake(folding, self._parts)
        if lifecycle_of(folding.fold) != "live":
            for _ in range(_TRIES):
                stored = await self._stored(folding, stream)
                if stored is None:
                    break
                tail = await self._behind(stream, stored.before.offset)
                if stored.is_of(tail.events):
                    row = _folded(folding, intake, stored.row, tail.events)
                    return StreamRow(folding.settled(row), tail.version)
        return await self._whole(folding, intake, stream)

    async def _whole(self, folding: Folding[M], intake: Intake, stream: StreamId) -> StreamRow[M]:
        row: ReadModel | None = None
        version = 0
        async for events in self._pages(stream):
            row, version = _folded(folding, intake, row, events), events[-1].version
        return StreamRow(folding.settled(row), version)

    async def _pages(self, stream: StreamId) -> AsyncIterator[Sequence[StoredEvent]]:
        after = 0
        while events := await self._events.load(stream, after, after + _PAGE):
            yield events
            after = events[-1].version

    async def _stored(self, folding: Folding[M], stream: StreamId) -> _Stored | None:
        """The row as the projection has it; None where that is not to be built on."""
        declared, parts, name = declaration_of(type(folding.fold)), self._parts, str(stream)
        served = [g for g in await parts.generations.all(declared.name) if g.state == "serving"]
        first = await parts.log.offset_of(name, 1)
        if not served or first is None or served[0].version != declared.version:
            return None
        number = served[0].number
        place = Place(declared.name, first[0], number)
        before = await parts.store.checkpoint(place)
        if await parts.parking.parked(declared.name, name, generation=number, limit=1):
            return None
        row = await parts.generations.rows(declared.name, number, declared.writes).get(folding.model, stream.id)
        return _Stored(row, before, await parts.store.checkpoint(place))

    async def _behind(self, stream: StreamId, offset: int) -> _Tail:
        """The stream's events from an offset on: read backwards, so that a long history costs nothing."""
        size = _TAIL
        events = await self._events.load(stream, max(0, await self._events.head(stream) - size))
        version = events[-1].version
        while events[0].version > 1 and events[0].offset >= offset:
            size *= 4
            until = events[0].version - 1
            events = [*await self._events.load(stream, max(0, until - size), until), *events]
        return _Tail([event for event in events if event.offset >= offset], version)


class _Tail(msgspec.Struct, frozen=True):
    """Events of a stream behind a checkpoint, and the version of the stream's head."""

    events: Sequence[StoredEvent]
    version: int


def _intake(folding: Folding[M], parts: ProjectionParts) -> Intake:
    steps = tuple(folding.fold.folded().steps)
    return Intake(declaration_of(type(folding.fold)), steps, parts.registry)


def _folded(
    folding: Folding[M], intake: Intake, row: ReadModel | None, events: Iterable[StoredEvent]
) -> ReadModel | None:
    """The row after these events; those pass by whose error's policy is to be skipped."""
    for stored in filter(intake.takes, events):
        after = row
        try:
            for event in intake.read(stored):
                after = folding.step(after, event, folding.key_of(event))
        except Exception as error:
            if not intake.skips(error):
                raise
        else:
            row = after
    return row

"""Copied streams: events of another store, compared with what is there, and appended with all they had."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final
from uuid import uuid4

import msgspec

from headwater.domain.event import NewEvent, StoredEvent
from headwater.domain.importing import Import, Run, check_same, still_to_come
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.protocol.appending import append, intent_of
from headwater.engines.cassandra.protocol.locating import locate
from headwater.engines.cassandra.protocol.outcomes import Committed
from headwater.engines.cassandra.protocol.place import Place
from headwater.engines.cassandra.protocol.rows import ChunkKey, EventRow, Hint
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.event_rows import event_row
from headwater.errors import StoreUnavailable

__all__ = ["CopiedStreams", "Growth"]

_BYTES: Final = 512 << 10
"""Of data and contexts in one append."""


class Growth(msgspec.Struct, frozen=True):
    """A stream as it stands, and what of a run it is still to get."""

    run: Run
    place: Place
    new: Sequence[StoredEvent]

    @property
    def chunk(self) -> ChunkKey:
        """Where the next append goes."""
        return self.place.stream, self.place.chunk


class CopiedStreams:
    def __init__(
        self, session: Session, performer: Performer, partition_of: Callable[[str], int], patience: float
    ) -> None:
        self._session = session
        self._run = performer.run
        self._partition_of = partition_of
        self._patience = patience
        self._shape = Shape()

    def start(self, shape: Shape) -> None:
        """Look at a store of this shape."""
        self._shape = shape

    async def look(self, run: Run, batch: Import) -> Growth:
        """What of a run is still to come; what is there must be the same. Raises ImportRefused."""
        part = self._partition_of(run.partition_key or run.stream)
        place = await self._run(locate(part, run.stream, self._shape))
        new = still_to_come(run, place.partition_key, place.version, place.time)
        known = run.events[: len(run.events) - len(new)]
        if known:
            rows = await self._rows(run.stream, known[0].version, known[-1].version)
            for given in known:
                row = rows[given.version]
                check_same(_stored(run.stream, row), tuple(sorted(row.event.tags)), given, batch)
        if not place.version and run.partition_key not in (None, run.stream):
            place = msgspec.structs.replace(place, partition_key=run.partition_key)
        return Growth(run, place, new)

    async def grow(self, growth: Growth, batch: Import) -> Sequence[Hint]:
        """Append what is still to come; what the log is to be told.

        Raises StoreUnavailable where it is not known to be there: it may be, and is to be given again.
        """
        place, hints = growth.place, list[Hint]()
        for events in _appends(growth.new, self._shape.events_per_append):
            rows, slot = _rows(events, batch.tags), self._shape.slot_of(time.time_ns() // 1_000)
            sent_at = time.monotonic()
            is_late = partial(_is_past, sent_at + self._patience)
            outcome = await self._run(append(place, rows, slot, self._shape, is_late))
            if not isinstance(outcome, Committed):
                raise StoreUnavailable(
                    f"stream {place.stream!r} has not taken in what was given ({type(outcome).__name__}): give it again"
                )
            hints.append(Hint(intent_of(place, rows, slot), rows, sent_at))
            place = place.after(rows, self._shape)
        return hints

    async def _rows(self, stream: str, first: int, last: int) -> Mapping[int, EventRow]:
        """Every row from one version to another, which are there."""
        for serially in (False, True):
            rows: dict[int, EventRow] = {}
            for chunk in range(max(0, self._shape.chunk_of(first - 1) - 1), self._shape.chunk_of(last - 1) + 1):
                limit = last - first + 1
                for columns in await self._session.rows("read_rows", stream, chunk, first, limit, serially=serially):
                    if (row := event_row(stream, columns)) is not None:
                        rows[row.version] = row
            if all(version in rows for version in range(first, last + 1)):
                return rows
        raise StoreUnavailable(f"not all events of stream {stream!r} can be seen: give the same again")


def _appends(events: Sequence[StoredEvent], limit: int) -> Iterator[Sequence[StoredEvent]]:
    """Pieces that one append holds."""
    start = size = 0
    for nth, event in enumerate(events):
        size += len(event.data) + len(event.context)
        if nth > start and (nth - start == limit or size > _BYTES):
            yield events[start:nth]
            start, size = nth, len(event.data) + len(event.context)
    if events:
        yield events[start:]


def _rows(events: Sequence[StoredEvent], tags: Mapping[bytes, tuple[str, ...]]) -> tuple[EventRow, ...]:
    attempt = uuid4().bytes
    return tuple(
        [
            EventRow(
                event.version,
                attempt,
                event.timestamp,
                NewEvent(
                    event.event_id,
                    event.type,
                    event.schema,
                    event.data,
                    event.topic,
                    tuple(tags.get(event.event_id, ())),
                ),
                event.context,
            )
            for event in events
        ]
    )


def _stored(stream: str, row: EventRow) -> StoredEvent:
    event = row.event
    return StoredEvent(
        0,
        0,
        stream,
        row.version,
        event.event_id,
        row.time,
        event.type,
        event.schema,
        event.data,
        row.context,
        event.topic,
    )


def _is_past(end: float) -> bool:
    return time.monotonic() >= end

"""Parking: rows beside the checkpoints, in the same partition, so that both change at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from headwater.domain.free_text import told
from headwater.domain.version import check_count
from headwater.engines.cassandra.session import Session, Step
from headwater.engines.cassandra.tables.bodies import encoded
from headwater.engines.cassandra.tables.place_table import PartKey, PlaceTable
from headwater.errors import StoreBusy
from headwater.ports.parking import ParkedEvent, ParkedPlace, ParkedQueue

__all__ = ["CassandraParking", "steps_of_parked", "steps_of_unparked"]

_BEFORE_ALL: Final = -1
_TRIES: Final = 50
"""How often parking one by hand begins anew because it is parked by somebody else meanwhile."""

_ParkedRow: TypeAlias = tuple[int, bytes, bytes | None]
"""The offset, the event, and the data that replaces its own."""

_decode = msgspec.json.Decoder(ParkedEvent).decode


class CassandraParking:
    def __init__(self, session: Session, places: PlaceTable, committed: Callable[[], None]) -> None:
        self._session = session
        self._places = places
        self._committed = committed

    async def queues(
        self, projection: str, generation: int, partition: int | None = None, limit: int | None = None
    ) -> Sequence[ParkedQueue]:
        most = None if limit is None else check_count(limit, "limit")
        keys = [(projection, generation, partition)] if partition is not None else None
        found: list[ParkedQueue] = []
        for key in keys or await self._places.keys(projection, generation):
            found += await self._queues_of(key)
        return found[:most]

    async def parked(
        self,
        projection: str | None = None,
        key: str | None = None,
        *,
        generation: int | None = None,
        partition: int | None = None,
        after: ParkedPlace | None = None,
        limit: int = 1_000,
    ) -> Sequence[ParkedEvent]:
        check_count(limit, "limit")
        found: list[ParkedEvent] = []
        for part in await self._parts(projection, generation, partition):
            behind = (after.projection, after.generation, after.partition) if after is not None else None
            if len(found) < limit and (behind is None or part >= behind):
                start = after.offset if after is not None and part == behind else _BEFORE_ALL
                found += await self._parked_in(part, key, start, limit - len(found))
        return found

    async def park(self, event: ParkedEvent) -> None:
        """As in a commit, but on its own."""
        place = _place(event)
        for _ in range(_TRIES):
            row = await self._session.row("find_parked", *place, serially=True)
            body = None if row is None else cast("bytes | None", row[0])
            wanted = _body(event, body)
            first: Step = "insert_parked", (*place, event.key, wanted)
            if row is not None:
                first = "update_parked", (event.key, wanted, *place, body)
            if await self._session.compare_and_set(first, *_edited(event)) is None:
                self._committed()
                return
        raise StoreBusy(f"others park the event at {event.place} all the time: try again later")

    async def edit(self, place: ParkedPlace, data: bytes) -> bool:
        return await self._change("edit_parked", data, *_key(place))

    async def discard(self, place: ParkedPlace) -> bool:
        return await self._change("delete_parked", *_key(place))

    async def _change(self, name: str, *parameters: object) -> bool:
        """Whether there was anything to change."""
        is_there = await self._session.compare_and_set((name, parameters)) is None
        if is_there:
            self._committed()
        return is_there

    async def _parts(self, projection: str | None, generation: int | None, partition: int | None) -> Sequence[PartKey]:
        if projection is not None and generation is not None and partition is not None:
            return [(projection, generation, partition)]
        keys = await self._places.keys(projection, generation)
        return [key for key in keys if partition in (None, key[2])]

    async def _parked_in(self, part: PartKey, key: str | None, after: int, limit: int) -> list[ParkedEvent]:
        if limit == 0:
            return []
        name, of_key = ("list_parked", ()) if key is None else ("list_parked_of_key", (key,))
        rows = await self._session.rows(name, *part, after, *of_key, limit)
        return [_event(row) for row in cast("list[_ParkedRow]", rows)]

    async def _queues_of(self, part: PartKey) -> list[ParkedQueue]:
        """The keys of one partition, by their first offset."""
        rows = cast("list[tuple[int, bytes]]", await self._session.rows("list_all_parked", *part))
        queues: dict[str, list[ParkedEvent]] = {}
        for _, body in rows:
            event = _decode(body)
            queues.setdefault(event.key, []).append(event)
        return [_queue(events) for events in queues.values()]


async def steps_of_parked(session: Session, events: Sequence[ParkedEvent], back: Collection[int]) -> list[Step]:
    """What parks events of one place in a batch that has its conditions. Whoever runs the place parks alone there.

    Those at the offsets `back` have been taken back in the same batch, and are parked as for the first time.
    """
    before = await asyncio.gather(*[session.row("find_parked", *_place(event)) for event in events])
    bodies: dict[int, bytes] = {}
    steps: list[Step] = []
    for event, row in zip(events, before, strict=True):
        kept = None if row is None or event.offset in back else cast("bytes | None", row[0])
        body = bodies[event.offset] = _body(event, bodies.get(event.offset, kept))
        steps.append(("write_parked", (*_place(event), event.key, body)))
        if event.data is not None or event.offset in back:
            steps.append(("write_edited", (*_place(event), event.data)))
    return steps


def steps_of_unparked(key: PartKey, offsets: Sequence[int]) -> list[Step]:
    """What forgets parked events of a place in a batch that has its conditions."""
    return [("drop_parked", (*key, offset)) for offset in offsets]


def _body(event: ParkedEvent, before: bytes | None) -> bytes:
    """The event as it is kept, without the data that replaces its own; the attempts add up."""
    attempts = event.attempts + (0 if before is None else _decode(before).attempts)
    error, trace = event.error and told(event.error), told(event.trace)
    return encoded(msgspec.structs.replace(event, error=error, trace=trace, attempts=attempts, data=None))


def _edited(event: ParkedEvent) -> list[Step]:
    return [] if event.data is None else [("write_edited", (*_place(event), event.data))]


def _event(row: _ParkedRow) -> ParkedEvent:
    _, body, edited = row
    event = _decode(body)
    return event if edited is None else msgspec.structs.replace(event, data=edited)


def _place(event: ParkedEvent) -> tuple[str, int, int, int]:
    return _key(event.place)


def _key(place: ParkedPlace) -> tuple[str, int, int, int]:
    return place.projection, place.generation, place.partition, place.offset


def _queue(events: Sequence[ParkedEvent]) -> ParkedQueue:
    first = events[0]
    return ParkedQueue(
        projection=first.projection,
        generation=first.generation,
        partition=first.partition,
        key=first.key,
        first=first.offset,
        events=len(events),
        error=first.error,
        retry_at=first.retry_at,
    )

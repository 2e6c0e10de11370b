"""Parked events as the store has them: found, listed, and as rows; their code is not needed."""

from __future__ import annotations

from headwater.cli.printing import Row
from headwater.domain.metadata import from_micros
from headwater.errors import InvalidInput, UnknownName
from headwater.ports.engine import Engine
from headwater.ports.log import LogFilter
from headwater.ports.parking import ParkedEvent, ParkedPlace

__all__ = ["data_of", "list_parked", "parked_at", "parked_place", "parked_row", "place_text", "waits_for"]


async def list_parked(
    engine: Engine, projection: str | None, key: str | None, after: ParkedPlace | None, limit: int
) -> list[ParkedEvent]:
    """By place, of what is served: at most `limit`, those behind `after`."""
    found: list[ParkedEvent] = []
    for name, generation in sorted((await _served(engine)).items()):
        if projection in (None, name) and (after is None or after.projection <= name) and len(found) < limit:
            room = limit - len(found)
            found += await engine.parking.parked(name, key, generation=generation, after=after, limit=room)
    return found


async def parked_at(engine: Engine, projection: str, partition: int, offset: int) -> ParkedEvent:
    """The one that is parked there. Raises UnknownName if none is."""
    place = ParkedPlace(projection, (await _served(engine)).get(projection, 0), partition, offset)
    before = ParkedPlace(projection, place.generation, partition, offset - 1)
    found = await engine.parking.parked(
        projection, generation=place.generation, partition=partition, after=before, limit=1
    )
    if not found or found[0].place != place:
        raise UnknownName(f"{projection!r} has nothing parked at {partition}:{offset}: see `headwater dlq ls`")
    return found[0]


async def waits_for(engine: Engine, event: ParkedEvent) -> int | None:
    """The offset of the event of its key that it waits behind; None if it is the first."""
    queues = await engine.parking.queues(event.projection, event.generation, event.partition)
    firsts = [queue.first for queue in queues if queue.key == event.key and queue.first < event.offset]
    return firsts[0] if firsts else None


async def data_of(engine: Engine, event: ParkedEvent) -> bytes:
    """What a retry will use: as it was edited, else as it is in the log."""
    if event.data is not None:
        return event.data
    page = await engine.log.read(event.partition, event.offset, 1, LogFilter(hidden=True))
    return next((stored.data for stored in page.events if stored.offset == event.offset), b"")


def parked_row(event: ParkedEvent) -> Row:
    """One event; `place` is what `--after` takes."""
    return {
        "place": place_text(event.place),
        "projection": event.projection,
        "partition": event.partition,
        "offset": event.offset,
        "key": event.key,
        "type": event.type,
        "attempts": event.attempts,
        "parked_at": from_micros(event.parked_at),
        "retry_at": None if event.retry_at is None else from_micros(event.retry_at),
        "edited": event.data is not None,
        "error": event.error,
    }


def place_text(place: ParkedPlace) -> str:
    """As in `users:0:0:17`: the projection, its generation, the partition and the offset."""
    return f"{place.projection}:{place.generation}:{place.partition}:{place.offset}"


def parked_place(text: str) -> ParkedPlace:
    """The place that `place_text` wrote. Raises InvalidInput."""
    projection, *numbers = text.rsplit(":", 3)
    if len(numbers) != 3 or not all(number.isascii() and number.isdigit() for number in numbers):
        raise InvalidInput(f"{text!r} is no place of a parked event: take one that `headwater dlq ls` shows")
    return ParkedPlace(projection, *map(int, numbers))


async def _served(engine: Engine) -> dict[str, int]:
    """The generation that is served of each projection; 0 of one that has none yet."""
    never_rebuilt = {kept.place.projection: 0 for kept in await engine.projections.checkpoints()}
    generations = await engine.generations.all()
    return never_rebuilt | {g.projection: g.number for g in generations if g.state == "serving"}

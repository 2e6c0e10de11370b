"""Standing: where projections are and what keeps them from going on, as the store tells it without their code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from headwater.cli.printing import Row, print_json, print_rows, say, visible
from headwater.domain.metadata import from_micros
from headwater.domain.registry import Registry
from headwater.handling.injection import Injector
from headwater.ports.conditions import Pause, Trouble
from headwater.ports.engine import Engine
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection
from headwater.projections.status import ProjectionStatus, status_of

__all__ = ["print_standing", "remarks", "standing", "standing_row"]

COLUMNS = ("projection", "generation", "version", "state", "condition", "partition")
"""Then the key range, where there are several; then the rest."""
FIGURES = ("offset", "head", "lag", "lag_seconds", "parked", "owner")


async def standing(engine: Engine, declared: Mapping[str, Projection] | None = None) -> list[ProjectionStatus]:
    """Every projection that has ever run on this store, at every place; and those that are declared."""
    known: dict[str, Projection | None] = dict.fromkeys(
        [
            *(generation.projection for generation in await engine.generations.all()),
            *(kept.place.projection for kept in await engine.projections.checkpoints()),
        ]
    )
    return await status_of(_parts(engine), known | dict(declared or {}), {})


def print_standing(found: Sequence[ProjectionStatus], *, as_json: bool, indent: int | None = 2) -> None:
    """A table, and below it a line for each matter somebody should see to; or a JSON array of objects."""
    rows = [standing_row(one) for one in found]
    if as_json:
        print_json(rows, indent=indent)
        return
    ranges = ("key_range",) if any(one.key_range for one in found) else ()
    print_rows(rows, (*COLUMNS, *ranges, *FIGURES), as_json=False)
    lines = remarks(found)
    if lines:
        say("")
    for line in lines:
        say(line)


def standing_row(one: ProjectionStatus) -> Row:
    """One place."""
    return {
        "projection": one.projection,
        "generation": one.generation,
        "version": one.version,
        "state": one.state,
        "condition": one.condition,
        "partition": one.partition,
        "key_range": one.key_range,
        "offset": one.offset,
        "head": one.head,
        "lag": one.lag,
        "lag_seconds": round(one.lag_seconds, 3),
        "parked": one.parked,
        "owner": one.owner,
        "trouble": None if one.trouble is None else _trouble_row(one.trouble),
        "pause": None if one.pause is None else _dated(one.pause),
    }


def remarks(found: Sequence[ProjectionStatus]) -> list[str]:
    """What is paused, fails, lags, is parked or outdated: a line each, by projection and generation."""
    groups = groupby(found, key=lambda one: (one.projection, one.generation))
    return [line for _, places in groups for line in _remarks(list(places))]


def _remarks(places: Sequence[ProjectionStatus]) -> Iterator[str]:
    first = places[0]
    name = first.projection + ("" if first.state == "serving" else f", generation {first.generation} ({first.state}),")
    if first.state == "previous":
        return
    if first.pause is not None:
        since, by = _when(first.pause.since), first.pause.by
        yield f"{name} is paused since {since}, by {by}: {first.pause.reason or 'no reason given'}"
    for place in places:
        if place.trouble is not None:
            yield f"{name} fails {_told(place.trouble)}"
    if any(place.condition == "outdated" for place in places):
        yield f"{name} is of version {first.version}, and the application declares another"
    by_partition = {place.partition: place for place in sorted(places, key=lambda place: place.lag)}
    if lag := sum(place.lag for place in by_partition.values()):
        alone = "" if any(place.owner for place in places) else ", and nobody runs it"
        yield f"{name} is {lag:,} events behind, for {max(place.lag_seconds for place in places):,.1f} s{alone}"
    if parked := sum(place.parked for place in by_partition.values()):
        yield f"{name} has {parked:,} events parked: see `headwater dlq ls --projection {first.projection}`"


def _told(trouble: Trouble) -> str:
    place = trouble.place
    again = "not tried again by itself" if trouble.retry_at is None else f"next try {_when(trouble.retry_at)}"
    where = f"in partition {place.partition} at offset {trouble.offset}"
    since = f"since {_when(trouble.since)}, {trouble.failures} times, met by {trouble.owner}, {again}"
    return f"{where} ({trouble.kind}): {trouble.error}; {since}"


def _trouble_row(trouble: Trouble) -> Row:
    retry_at = None if trouble.retry_at is None else from_micros(trouble.retry_at)
    shown = {name: value for name, value in _dated(trouble).items() if name != "place"}
    return shown | {"retry_at": retry_at}


def _dated(condition: Pause | Trouble) -> dict[str, object]:
    shown: dict[str, object] = msgspec.structs.asdict(condition)
    return shown | {"since": from_micros(condition.since)}


def _when(micros: int) -> str:
    return visible(from_micros(micros))


def _parts(engine: Engine) -> ProjectionParts:
    """What a look takes; without declarations there is nothing to register or inject."""
    return ProjectionParts(
        log=engine.log,
        store=engine.projections,
        generations=engine.generations,
        conditions=engine.conditions,
        parking=engine.parking,
        journal=engine.journal,
        leases=engine.leases,
        wakeups=engine.wakeups,
        schema=engine.read_model_schema,
        registry=Registry(),
        injector=Injector(),
    )

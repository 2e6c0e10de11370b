"""Whether a snapshot fits: it is used only where the log and the code would make the very same rows."""

from __future__ import annotations

from headwater.ports.generations import Generation
from headwater.ports.log import Log, LogFilter
from headwater.projections.crew import new_generation
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection
from headwater.projections.reaching import places_of
from headwater.read_models.snapshots_header import Header, declared_model

__all__ = ["SEEDED", "code_of", "event_before", "misfit"]

SEEDED = "+"
"""Between the fingerprint of a generation's code and the digest of the snapshot it was begun from."""

_ANY = LogFilter(hidden=True)


def code_of(generation: Generation) -> str:
    """The fingerprint of the code that has filled it, be it from a snapshot."""
    return generation.fingerprint.partition(SEEDED)[0]


async def event_before(log: Log, partition: int, offset: int) -> bytes:
    """The id of the last event below an offset; empty where there is none."""
    if offset == 0:
        return b""
    page = await log.read(partition, offset - 1, 1, _ANY)
    found = [event.event_id for event in page.events if event.offset == offset - 1]
    return found[0] if found else b""


async def misfit(header: Header, projection: Projection, parts: ProjectionParts, store_id: str) -> str:
    """Why it must not be used for this projection on this log; empty if it may."""
    wanted = new_generation(projection)
    for what, its, ours in (
        ("store", header.store_id, store_id),
        ("projection", header.projection, projection.name),
        ("version", header.version, wanted.version),
        ("code", header.fingerprint, wanted.fingerprint),
        ("key_ranges", header.key_ranges, wanted.key_ranges),
        ("number of partitions", header.partitions, parts.log.partitions),
    ):
        if its != ours:
            return f"it is of another {what}: {its}, and here it is {ours}"
    if header.models != tuple([declared_model(model) for model in projection.writes]):
        return "its read models are declared otherwise now"
    return await _strange_log(header, parts)


async def _strange_log(header: Header, parts: ProjectionParts) -> str:
    """Why its checkpoints are not of this log's history; empty if they are."""
    generation = Generation(projection=header.projection, number=0, key_ranges=header.key_ranges)
    places = [(place.partition, place.key_range) for place in places_of(generation, header.partitions)]
    if [(mark.partition, mark.key_range) for mark in header.landmarks] != places:
        return "it lacks checkpoints"
    if not any(mark.offset for mark in header.landmarks):
        return "it holds no event"
    for mark in header.landmarks:
        head = await parts.log.head(mark.partition)
        if mark.offset > head:
            return f"it is ahead of the log, which ends at {head:,} in partition {mark.partition}"
        if await event_before(parts.log, mark.partition, mark.offset) != mark.event_id:
            return f"the log has another event at offset {mark.offset - 1:,} of partition {mark.partition}"
    return ""

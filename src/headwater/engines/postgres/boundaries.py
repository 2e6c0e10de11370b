"""BoundaryAppends: events by their tags, and whether there are new ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import msgspec

from headwater.domain.append import Append
from headwater.domain.boundary import Alternative, Boundary, BoundaryPage, Mark, page_of
from headwater.domain.event import StoredEvent
from headwater.engines.postgres.append_plan import Plan
from headwater.engines.postgres.connection import Connection, Row
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.stored import stored_events

__all__ = ["changed_since", "read_page", "read_tags", "write_tags"]


async def read_page(
    pool: Pool, sql: Statements, boundary: Boundary, after: Mark, limit: int, partitions: int
) -> BoundaryPage:
    """A page of a boundary, of one moment in all partitions."""
    starts = [after.offset(partition) for partition in range(partitions)]
    kinds = [list(column) for column in zip(*map(_listed, boundary), strict=True)]
    rows = await pool.fetch(sql["read_tagged"], *kinds, list(range(partitions)), starts, limit + 1)
    found: dict[int, list[StoredEvent]] = {}
    heads = dict(enumerate(starts))
    for *event, partition, next in cast("Iterable[tuple[object, ...]]", rows):
        heads[cast("int", partition)] = max(cast("int", next), heads[cast("int", partition)])
        if event[0] is not None:
            found.setdefault(cast("int", partition), []).extend(stored_events([cast("Row", event)]))
    return page_of(found, list(heads.values()), after, limit)


async def changed_since(
    connection: Connection, sql: Statements, appends: Sequence[Append], partitions: int
) -> frozenset[tuple[Mark, Alternative]]:
    """What is there of boundaries behind the marks of conditions; under the locks of all partitions."""
    conditions = {condition for append in appends for condition in append.conditions}
    wanted = [(condition.after, alternative) for condition in conditions for alternative in condition.boundary]
    rows = [
        (number, *_listed(alternative), partition, mark.offset(partition))
        for number, (mark, alternative) in enumerate(wanted)
        for partition in range(partitions)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    found = cast("list[tuple[int]]", await connection.fetch(sql["look_at_boundaries"], *columns))
    return frozenset(wanted[number] for (number,) in found)


async def write_tags(connection: Connection, sql: Statements, plan: Plan) -> None:
    """The tags of a plan's events, once these are in."""
    offsets = [plan.firsts[partition] + place for _, partition, place in plan.tags]
    tags, partitions = [tag for tag, _, _ in plan.tags], [partition for _, partition, _ in plan.tags]
    await connection.execute(sql["write_tags"], tags, partitions, offsets)


async def read_tags(
    pool: Pool, sql: Statements, partition: int, start: int, stop: int
) -> Mapping[int, tuple[str, ...]]:
    """The tags of the events in a range that have any."""
    tags: dict[int, tuple[str, ...]] = {}
    rows = await pool.fetch(sql["read_tags"], partition, start, stop)
    for offset, tag in cast("Iterable[tuple[int, str]]", rows):
        tags[offset] = (*tags.get(offset, ()), tag)
    return tags


def _listed(alternative: Alternative) -> tuple[str, str | None]:
    """Tags and types as JSON; None where there is any type."""
    types = msgspec.json.encode(alternative.types).decode() if alternative.types else None
    return msgspec.json.encode(alternative.tags).decode(), types

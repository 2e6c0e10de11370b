"""Following: what an append does in its transaction once its events are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar, cast

import msgspec

from headwater.domain.append import Append, Appended
from headwater.domain.event import StoredEvent
from headwater.engines.postgres.append_plan import EventRow, Plan
from headwater.engines.postgres.changes import apply_changes
from headwater.engines.postgres.checkpoints import read_checkpoint, write_checkpoints
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.generation_states import generations_of
from headwater.engines.postgres.located_reads import LocatedReads, Read
from headwater.engines.postgres.parking import is_held_up
from headwater.engines.postgres.projection_lock import share
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_generations import in_state
from headwater.engines.sql.stepping import Wanted, stepped
from headwater.models.changes import Change
from headwater.models.model import ReadModel
from headwater.ports.generations import Generation
from headwater.ports.inline_appends import InlineProjection
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint

__all__ = ["Following"]

T = TypeVar("T")


class Following:
    """The changes of an append, and the projections that handle its events; nothing where it is refused or repeated."""

    def __init__(self, sql: Statements, append: Append, inline: Sequence[InlineProjection] = ()) -> None:
        self._sql = sql
        self._changes = cast("tuple[Change, ...]", append.changes)
        self._inline = inline

    async def follow(self, connection: Connection, plan: Plan) -> None:
        """Inside the append's transaction; raises what a change or a handler is refused for."""
        (outcome,) = plan.outcomes
        if not isinstance(outcome, Appended) or outcome.replayed is not None:
            return
        if self._changes:
            await apply_changes(connection, self._sql, self._changes)
        if self._inline and plan.events:
            await connection.execute(share(self._sql, [inline.projection for inline in self._inline]))
            events = _by_partition(plan)
            for inline in self._inline:
                for partition in sorted(events):
                    await self._handle(connection, inline, events[partition])

    async def _handle(self, connection: Connection, inline: InlineProjection, events: Sequence[StoredEvent]) -> None:
        """The new events of one partition, by a projection that has come to just before them."""
        first, last = events[0], events[-1]
        kept = await self._up_to_date(connection, inline, first)
        if kept is None:
            return
        rows = _InlineRows(self._sql, connection)
        changes = await stepped(inline.handle(events, rows), inline.projection)
        await apply_changes(connection, self._sql, changes, partition=first.partition)
        await write_checkpoints(connection, self._sql, [msgspec.structs.replace(kept, offset=last.offset + 1)])

    async def _up_to_date(
        self, connection: Connection, inline: InlineProjection, first: StoredEvent
    ) -> Checkpoint | None:
        """The checkpoint of what is served, locked, if it stands at this event and nothing waits behind it."""
        projection, partition = inline.projection, first.partition
        served = in_state(await generations_of(connection, self._sql, projection), "serving")
        if served is None or not _is_served_so(served.generation, inline):
            return None
        place = Place(projection, partition, served.generation.number)
        key = place.projection, place.partition, place.generation, place.key_range
        await connection.execute(self._sql["lock_checkpoint"], *key)
        kept = await read_checkpoint(connection, self._sql, place)
        if kept.offset != first.offset or await is_held_up(
            connection, self._sql, projection, place.generation, partition
        ):
            return None
        return kept


class _InlineRows(LocatedReads):
    """The rows as the transaction sees them: each read is done by whoever steps the handler."""

    def __init__(self, sql: Statements, connection: Connection) -> None:
        super().__init__(sql)
        self._connection = connection

    async def _read(self, model: type[ReadModel], read: Read[T]) -> T:
        found: T = await Wanted(lambda: read(self._connection, ""))
        return found


def _is_served_so(served: Generation, inline: InlineProjection) -> bool:
    return served.key_ranges == 1 and served.version == inline.version


def _by_partition(plan: Plan) -> Mapping[int, Sequence[StoredEvent]]:
    events: dict[int, list[StoredEvent]] = {}
    for event in _stored(plan.events, plan.firsts):
        events.setdefault(event.partition, []).append(event)
    return events


def _stored(rows: Iterable[EventRow], firsts: Mapping[int, int]) -> list[StoredEvent]:
    return [
        StoredEvent(
            row.partition,
            firsts[row.partition] + row.place,
            row.stream,
            row.version,
            row.event_id,
            row.timestamp,
            row.type,
            row.schema,
            row.data,
            row.context,
            row.topic,
        )
        for row in rows
    ]

"""Inline: projections that handle new events in the transaction that appends them, on the writer's thread."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from contextvars import Context
from typing import TypeVar, cast

import apsw
import msgspec

from headwater.domain.event import StoredEvent
from headwater.engines.sql.kept_generations import in_state
from headwater.engines.sql.stepping import finished
from headwater.engines.sqlite.changes import apply_changes
from headwater.engines.sqlite.checkpoints import read_checkpoint, write_checkpoints
from headwater.engines.sqlite.generation_states import GenerationStates
from headwater.engines.sqlite.located_reads import LocatedReads, Read
from headwater.engines.sqlite.parking import is_held_up
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.stored import EventRow, stored_rows
from headwater.models.model import ReadModel
from headwater.ports.inline_appends import InlineProjection
from headwater.ports.log import LogFilter
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint

__all__ = ["Inline"]

T = TypeVar("T")

_EVERYTHING = LogFilter(hidden=True)


class Inline:
    """Hands new events to the projections that have come to just before them."""

    def __init__(self, sql: Statements, states: GenerationStates) -> None:
        self._sql = sql
        self._states = states

    def handle(
        self,
        connection: apsw.Connection,
        projections: Sequence[InlineProjection],
        first: int,
        count: int,
        context: Context,
    ) -> None:
        """Inside the writer's transaction, the events from offset `first` on being in: their effects, too."""
        events: list[StoredEvent] | None = None
        for projection in projections:
            kept = self._up_to_date(connection, projection, first)
            if kept is None:
                continue
            if events is None:
                events = self._events(connection, first, count)
            rows = _InlineRows(connection)
            changes = finished(projection.handle(events, rows), projection.projection, context.copy())
            apply_changes(connection, self._sql, changes)
            moved = msgspec.structs.replace(kept, offset=first + count)
            write_checkpoints(connection, self._sql, [moved])

    def _up_to_date(self, connection: apsw.Connection, inline: InlineProjection, first: int) -> Checkpoint | None:
        """The checkpoint of what is served, if it stands at this offset and nothing waits behind it."""
        projection = inline.projection
        served = in_state(self._states.of(connection, projection), "serving")
        if served is None or served.generation.key_ranges > 1 or served.generation.version != inline.version:
            return None
        place = Place(projection, 0, served.generation.number)
        kept = read_checkpoint(connection, self._sql, place)
        if kept.offset != first or is_held_up(connection, self._sql, projection, place.generation, 0):
            return None
        return kept

    def _events(self, connection: apsw.Connection, first: int, count: int) -> list[StoredEvent]:
        found = connection.execute(self._sql["read_log_tail"], (first, count))
        return stored_rows(cast("list[EventRow]", found.fetchall()), count, _EVERYTHING)


class _InlineRows(LocatedReads):
    """The rows as the transaction sees them; nothing is waited for."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def _read(self, model: type[ReadModel], read: Read[T]) -> T:
        return read(self._connection, "")

"""BoundaryAppends: events by their tags, and whether there are new ones."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, cast

import apsw
import msgspec

from headwater.domain.boundary import Alternative, AppendCondition, Boundary, BoundaryPage, Mark, page_of
from headwater.domain.event import StoredEvent
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.stored import EventRow, stored_rows
from headwater.errors import BoundaryChanged
from headwater.ports.log import LogFilter

__all__ = ["Boundaries"]

_EVERYTHING: Final = LogFilter(hidden=True)


class Boundaries:
    """What is done with tags on a connection."""

    def __init__(self, sql: Statements) -> None:
        self._sql = sql
        self._insert_tag = sql["insert_tag"]

    def read(self, connection: apsw.Connection, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
        """A page of a boundary: each alternative is looked at separately, so all of them below one end of the log."""
        start = after.offset(0)
        head = max(start, cast("int", connection.execute(self._sql["read_log_head"]).get))
        found: list[StoredEvent] = []
        for alternative in boundary:
            bindings = (*_listed(alternative), start, head, limit + 1)
            rows = cast("list[EventRow]", connection.execute(self._sql["read_tagged"], bindings).fetchall())
            found += stored_rows(rows, len(rows), _EVERYTHING)
        return page_of({0: found}, [head], after, limit)

    def check(self, connection: apsw.Connection, conditions: Iterable[AppendCondition]) -> None:
        """Raise BoundaryChanged where something has come since it was read; inside the writer's transaction."""
        for condition in conditions:
            for alternative in condition.boundary:
                bindings = (*_listed(alternative), condition.after.offset(0))
                if connection.execute(self._sql["has_tagged"], bindings).get is not None:
                    raise BoundaryChanged(str(alternative), alternative.tags)

    def insert(self, connection: apsw.Connection, tags: Iterable[tuple[str, int]]) -> None:
        """Pairs of a tag and an offset."""
        connection.executemany(self._insert_tag, tags)

    def tags(self, connection: apsw.Connection, start: int, stop: int) -> Mapping[int, tuple[str, ...]]:
        """The tags of the events in a range that have any."""
        found: dict[int, tuple[str, ...]] = {}
        for offset, tag in cast("Iterable[tuple[int, str]]", connection.execute(self._sql["read_tags"], (start, stop))):
            found[offset] = (*found.get(offset, ()), tag)
        return found


def _listed(alternative: Alternative) -> tuple[str, str | None]:
    """Tags and types as JSON; None where there is any type."""
    types = msgspec.json.encode(alternative.types).decode() if alternative.types else None
    return msgspec.json.encode(alternative.tags).decode(), types

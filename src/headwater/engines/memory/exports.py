"""Exports: the rows as they were when the export began, from a copy of the tables' lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from headwater.domain.version import check_count
from headwater.engines.memory.generations import rows_of
from headwater.engines.memory.state import State
from headwater.errors import InvalidVersion, UnknownName
from headwater.models.evaluate import ordered
from headwater.models.model import ReadModel
from headwater.models.ordering import bind_orders
from headwater.ports.exports import Exported

__all__ = ["export"]


async def export(
    state: State, projection: str, number: int, models: Sequence[type[ReadModel]], page: int
) -> AsyncIterator[Exported]:
    """A generation as of one moment; see Exports."""
    if check_count(page, "page") == 0:
        raise InvalidVersion("a page has 1 row or more, got 0")
    rows = rows_of(state, projection, number)
    if rows is None:
        raise UnknownName(f"projection {projection!r} has no generation {number}: see which it has")
    tables = [rows.table(model) for model in models]
    parked = [
        event
        for place, event in sorted(state.parked.items())
        if (place.projection, place.generation) == (projection, number)
    ]
    copies = [(table.schema, list(table.rows.values())) for table in tables]
    yield [
        kept
        for place, kept in sorted(state.checkpoints.items())
        if (place.projection, place.generation) == (projection, number)
    ]
    for start in range(0, len(parked), page):
        yield parked[start : start + page]
    for schema, copy in copies:
        by_key = ordered(copy, bind_orders((), schema.fields, schema.key), schema.fields)
        for start in range(0, len(by_key), page):
            yield [schema.to_row(row) for row in by_key[start : start + page]]

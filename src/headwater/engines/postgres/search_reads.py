"""Reads of the search index."""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

import asyncpg

from headwater.engines.postgres import search_index
from headwater.engines.postgres.bindings import Bindings, Query
from headwater.engines.postgres.connection import Connection, Row, begun
from headwater.engines.postgres.table import Table, or_unknown
from headwater.engines.postgres.table_reads import read
from headwater.models.evaluate import finds
from headwater.models.model import ReadModel

__all__ = ["found_words", "search_sql"]

M = TypeVar("M", bound=ReadModel)

_AHEAD: Final = 50
"""Rows on their way while others are looked at."""


def search_sql(table: Table, fields: Sequence[str], tokens: Sequence[str], limit: int | None) -> Query:
    """The statement for the rows that may be meant, by key, and its parameters.

    Each is followed by whether it must be looked at.
    """
    bindings = Bindings()
    condition = search_index.match(fields, tokens, bindings)
    columns = table.select.replace(" FROM", f", {search_index.may_overflow(fields)} FROM", 1)
    sql = f"{columns} WHERE {condition} ORDER BY r.{table.key}"
    if limit is not None:
        sql += f" LIMIT {bindings.mark(limit, 'bigint')}"
    return sql, bindings.values


async def found_words(
    connection: Connection, model: type[M], table: Table, fields: Sequence[str], tokens: Sequence[str], limit: int
) -> list[M]:
    """The rows by key in which every token starts a word of one of the fields; see ReadModels.search."""
    if not search_index.is_cut(tokens):
        found = await read(connection, table, search_sql(table, fields, tokens, limit))
        if not any(row[-1] for row in found):
            return table.rows(model, found)
    if connection.is_in_transaction():
        return await _looked_at(connection, model, table, fields, tokens, limit)
    async with begun(connection, "BEGIN READ ONLY"):
        return await _looked_at(connection, model, table, fields, tokens, limit)


async def _looked_at(
    connection: Connection, model: type[M], table: Table, fields: Sequence[str], tokens: Sequence[str], limit: int
) -> list[M]:
    """The same where the index alone cannot tell."""
    wanted: list[Row] = []
    places = [table.schema.names.index(name) for name in fields]
    async for row in _candidates(connection, table, search_sql(table, fields, tokens, None)):
        if len(wanted) >= limit:
            break
        if finds(tokens, [row[place] for place in places]):  # type: ignore[misc]
            wanted.append(row)
    return table.rows(model, wanted)


async def _candidates(connection: Connection, table: Table, query: Query) -> AsyncIterator[Row]:
    sql, values = query
    try:
        async for row in connection.cursor(sql, *values, prefetch=_AHEAD):
            yield row
    except asyncpg.UndefinedTableError as error:
        raise or_unknown(table, error) from error

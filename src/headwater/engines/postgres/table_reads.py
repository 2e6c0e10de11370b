"""Reads of one table: what each becomes as a statement, and its rows."""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar, cast

import asyncpg

from headwater.engines.postgres.bindings import Bindings, Query
from headwater.engines.postgres.columns import NativeColumns
from headwater.engines.postgres.connection import Connection, Row
from headwater.engines.postgres.criteria_sql import order_by, where
from headwater.engines.postgres.table import Table, or_unknown
from headwater.models.binding import bind
from headwater.models.criteria import Criteria
from headwater.models.model import ReadModel
from headwater.models.selection import Selection, bind_selection

__all__ = ["count_sql", "counted", "find_sql", "get_sql", "read", "rows"]

M = TypeVar("M", bound=ReadModel)

_NATIVE: Final = NativeColumns()


def get_sql(table: Table, key: object) -> Query:
    """The statement for the row of a key and its parameters; raises InvalidMessage for a key of another kind."""
    bindings = Bindings()
    value = _NATIVE.one(table.key_field, table.schema.key_scalar(key), bindings)
    return f"{table.select} WHERE r.{table.key} = {value}", bindings.values


def find_sql(table: Table, selection: Selection) -> Query:
    """The statement for a selection and its parameters; raises InvalidCriteria, LimitExceeded."""
    bound, bindings = bind_selection(selection, table.schema), Bindings()
    condition = where(bound.criteria, _NATIVE, bindings)
    sql = f"{table.select} WHERE {condition} ORDER BY {order_by(bound.order, _NATIVE)}"
    if bound.limit is not None:
        sql += f" LIMIT {bindings.mark(bound.limit, 'bigint')}"
    if bound.skip:
        sql += f" OFFSET {bindings.mark(bound.skip, 'bigint')}"
    return sql, bindings.values


def count_sql(table: Table, criteria: Criteria) -> Query:
    bindings = Bindings()
    condition = where(bind(criteria, table.fields), _NATIVE, bindings)
    return f"SELECT count(*) FROM {table.name} AS r WHERE {condition}", bindings.values


async def rows(connection: Connection, model: type[M], table: Table, query: Query) -> list[M]:
    """The rows that a statement finds; raises UnknownName if the model's table was never made."""
    return table.rows(model, await read(connection, table, query))


async def counted(connection: Connection, table: Table, query: Query) -> int:
    ((count,),) = await read(connection, table, query)
    return cast("int", count)


async def read(connection: Connection, table: Table, query: Query) -> Sequence[Row]:
    """All rows of one statement; raises UnknownName if the model's table was never made."""
    sql, values = query
    try:
        return await connection.fetch(sql, *values)
    except asyncpg.UndefinedTableError as error:
        raise or_unknown(table, error) from error

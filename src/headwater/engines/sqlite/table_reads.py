"""Reads of one table: what each becomes as a statement, and its rows."""

# apsw's annotations name collections.abc.Buffer, which is new in Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

import apsw

from headwater.engines.sqlite import pipeline_functions, search_index
from headwater.engines.sqlite.criteria_sql import Condition, order_by, where
from headwater.engines.sqlite.pipeline_sql import pipeline_sql
from headwater.engines.sqlite.table import Table, or_unknown
from headwater.models.binding import bind
from headwater.models.criteria import Criteria
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel
from headwater.models.pipeline_binding import BoundPipeline, output
from headwater.models.selection import Selection, bind_selection

__all__ = ["aggregated", "count_sql", "counted", "find_sql", "get_sql", "rows", "search_sql"]

M = TypeVar("M", bound=ReadModel)


def get_sql(table: Table, key: object) -> Condition:
    """The statement for the row of a key and its bindings; raises InvalidMessage for a key of another kind."""
    return f"{table.select} WHERE r.{table.key} = ?", [table.schema.key_scalar(key)]


def find_sql(table: Table, selection: Selection) -> Condition:
    """The statement for a selection and its bindings; raises InvalidCriteria, LimitExceeded."""
    bound = bind_selection(selection, table.schema)
    condition, bindings = where(bound.criteria, table.column)
    sql = f"{table.select} WHERE {condition} ORDER BY {order_by(bound.order, table.column)}"
    if bound.limit is None and not bound.skip:
        return sql, bindings
    limit = -1 if bound.limit is None else bound.limit
    return f"{sql} LIMIT ? OFFSET ?", [*bindings, limit, bound.skip]


def count_sql(table: Table, criteria: Criteria) -> Condition:
    condition, bindings = where(bind(criteria, table.fields), table.column)
    return f"SELECT count(*) FROM {table.name} AS r WHERE {condition}", bindings


def search_sql(table: Table, fields: Sequence[str], tokens: Sequence[str], limit: int) -> Condition:
    found = f"SELECT rowid FROM {search_index.name_of(table)} WHERE {search_index.name_of(table)} MATCH ?"
    sql = f"{table.select} WHERE r.{table.row_id} IN ({found}) ORDER BY r.{table.key} LIMIT ?"
    return sql, [search_index.match(fields, tokens), limit]


def rows(connection: apsw.Connection, model: type[M], table: Table, statement: Condition) -> list[M]:
    """The rows that a statement finds; raises UnknownName if the model's table was never made."""
    return table.rows(model, _read(connection, table, statement))


def counted(connection: apsw.Connection, table: Table, statement: Condition) -> int:
    ((count,),) = _read(connection, table, statement)
    return cast("int", count)


def aggregated(connection: apsw.Connection, table: Table, pipeline: BoundPipeline) -> list[dict[str, object]]:
    pipeline_functions.register(connection)
    return list(map(output(pipeline.columns), _read(connection, table, pipeline_sql(pipeline, table))))


def _read(connection: apsw.Connection, table: Table, statement: Condition) -> list[tuple[Scalar, ...]]:
    """All rows of one statement; raises UnknownName if the model's table was never made."""
    sql, bindings = statement
    try:
        return cast("list[tuple[Scalar, ...]]", connection.execute(sql, bindings).fetchall())
    except apsw.SQLError as error:
        raise or_unknown(connection, table, error) from error

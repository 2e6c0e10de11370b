"""SqliteReadModels: reads of the read models, one statement each."""

# apsw's annotations name collections.abc.Buffer, which is new in Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

import apsw

from headwater.engines.sqlite import pipeline_functions, search_index
from headwater.engines.sqlite.criteria_sql import Condition, order_by, where
from headwater.engines.sqlite.pipeline_sql import pipeline_sql
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.table import Table, or_unknown, table_of
from headwater.models.binding import bind
from headwater.models.criteria import Criteria
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel
from headwater.models.pipeline import Pipeline
from headwater.models.pipeline_binding import BoundPipeline, bind_pipeline, output
from headwater.models.selection import Selection, bind_selection

__all__ = ["SqliteReadModels"]

M = TypeVar("M", bound=ReadModel)


class SqliteReadModels:
    """Statements are made on the caller's thread, so bad criteria cost no hop; rows are decoded on the reader's."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def get(self, model: type[M], key: object) -> M | None:
        table = table_of(model)
        sql = f"{table.select} WHERE r.{table.key} = ?"
        rows = await self._rows(model, (sql, [table.schema.key_scalar(key)]))
        return rows[0] if rows else None

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        return await self._rows(model, find_sql(table_of(model), selection))

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        table = table_of(model)
        ((count,),) = await self._readers.run(_read, table, count_sql(table, criteria))
        return cast("int", count)

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        table = table_of(model)
        names = table.schema.searchable(fields)
        if not tokens:
            return []
        return await self._rows(model, search_sql(table, names, tokens, limit))

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        table = table_of(model)
        return await self._readers.run(_aggregate, table, bind_pipeline(pipeline, table.schema))

    async def _rows(self, model: type[M], statement: Condition) -> list[M]:
        return cast("list[M]", await self._readers.run(_rows, model, statement))


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


def _rows(connection: apsw.Connection, model: type[ReadModel], statement: Condition) -> list[ReadModel]:
    table = table_of(model)
    return table.rows(model, _read(connection, table, statement))


def _aggregate(connection: apsw.Connection, table: Table, pipeline: BoundPipeline) -> list[dict[str, object]]:
    pipeline_functions.register(connection)
    return list(map(output(pipeline.columns), _read(connection, table, pipeline_sql(pipeline, table))))


def _read(connection: apsw.Connection, table: Table, statement: Condition) -> list[tuple[Scalar, ...]]:
    """All rows of one statement; raises UnknownName if the model's table was never made."""
    sql, bindings = statement
    try:
        return cast("list[tuple[Scalar, ...]]", connection.execute(sql, bindings).fetchall())
    except apsw.SQLError as error:
        raise or_unknown(connection, table, error) from error

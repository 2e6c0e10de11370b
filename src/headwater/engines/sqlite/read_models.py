"""SqliteReadModels: reads of the read models, one statement each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.table import table_of
from headwater.engines.sqlite.table_reads import aggregated, count_sql, counted, find_sql, get_sql, rows, search_sql
from headwater.models.criteria import Criteria
from headwater.models.model import ReadModel
from headwater.models.pipeline import Pipeline
from headwater.models.pipeline_binding import bind_pipeline
from headwater.models.selection import Selection

__all__ = ["SqliteReadModels"]

M = TypeVar("M", bound=ReadModel)


class SqliteReadModels:
    """Statements are made on the caller's thread, so bad criteria cost no hop; rows are decoded on the reader's."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def get(self, model: type[M], key: object) -> M | None:
        table = table_of(model)
        found = await self._readers.run(rows, model, table, get_sql(table, key))
        return found[0] if found else None

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        table = table_of(model)
        return await self._readers.run(rows, model, table, find_sql(table, selection))

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        table = table_of(model)
        return await self._readers.run(counted, table, count_sql(table, criteria))

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        table = table_of(model)
        names = table.schema.searchable(fields)
        if not tokens:
            return []
        return await self._readers.run(rows, model, table, search_sql(table, names, tokens, limit))

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        table = table_of(model)
        return await self._readers.run(aggregated, table, bind_pipeline(pipeline, table.schema))

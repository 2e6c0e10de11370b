"""LocatedReads: ReadModels whose tables are known only once the reading has begun."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import apsw

from headwater.engines.sqlite.table import table_of
from headwater.engines.sqlite.table_reads import aggregated, count_sql, counted, find_sql, get_sql, rows, search_sql
from headwater.models.criteria import Criteria
from headwater.models.model import ReadModel
from headwater.models.pipeline import Pipeline
from headwater.models.pipeline_binding import bind_pipeline
from headwater.models.selection import Selection

__all__ = ["LocatedReads", "Read"]

M = TypeVar("M", bound=ReadModel)
T = TypeVar("T")

Read: TypeAlias = Callable[[apsw.Connection, str], T]
"""What is to be read, given a connection and how the names of the tables end."""


class LocatedReads(ABC):
    """Statements are made where they are run."""

    @abstractmethod
    async def _read(self, model: type[ReadModel], read: Read[T]) -> T:
        """What it reads in one state of the store."""

    async def get(self, model: type[M], key: object) -> M | None:
        def read(connection: apsw.Connection, beside: str) -> list[M]:
            table = table_of(model, beside)
            return rows(connection, model, table, get_sql(table, key))

        found = await self._read(model, read)
        return found[0] if found else None

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        def read(connection: apsw.Connection, beside: str) -> list[M]:
            table = table_of(model, beside)
            return rows(connection, model, table, find_sql(table, selection))

        return await self._read(model, read)

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        def read(connection: apsw.Connection, beside: str) -> int:
            table = table_of(model, beside)
            return counted(connection, table, count_sql(table, criteria))

        return await self._read(model, read)

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        names = table_of(model).schema.searchable(fields)

        def read(connection: apsw.Connection, beside: str) -> list[M]:
            table = table_of(model, beside)
            return rows(connection, model, table, search_sql(table, names, tokens, limit))

        return await self._read(model, read) if tokens else []

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        def read(connection: apsw.Connection, beside: str) -> list[dict[str, object]]:
            table = table_of(model, beside)
            return aggregated(connection, table, bind_pipeline(pipeline, table.schema))

        return await self._read(model, read)

"""LocatedReads: ReadModels, wherever a connection and the tables come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.pipeline_reads import aggregated
from headwater.engines.postgres.search_reads import found_words
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import table_of
from headwater.engines.postgres.table_reads import count_sql, counted, find_sql, get_sql, rows
from headwater.models.criteria import Criteria
from headwater.models.model import ReadModel, schema_of
from headwater.models.pipeline import Pipeline
from headwater.models.pipeline_binding import bind_pipeline
from headwater.models.selection import Selection

__all__ = ["LocatedReads", "Read"]

M = TypeVar("M", bound=ReadModel)
T = TypeVar("T")

Read: TypeAlias = Callable[[Connection, str], Awaitable[T]]
"""What is to be read, given a connection and how the names of the tables end."""


class LocatedReads(ABC):
    """Statements are made where they are run, so that the tables may be known only then."""

    def __init__(self, sql: Statements) -> None:
        self._sql = sql

    @abstractmethod
    async def _read(self, model: type[ReadModel], read: Read[T]) -> T:
        """What it reads in one state of the store."""

    async def get(self, model: type[M], key: object) -> M | None:
        async def read(connection: Connection, beside: str) -> list[M]:
            table = table_of(self._sql.schema, model, beside)
            return await rows(connection, model, table, get_sql(table, key))

        found = await self._read(model, read)
        return found[0] if found else None

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        async def read(connection: Connection, beside: str) -> list[M]:
            table = table_of(self._sql.schema, model, beside)
            return await rows(connection, model, table, find_sql(table, selection))

        return await self._read(model, read)

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        async def read(connection: Connection, beside: str) -> int:
            table = table_of(self._sql.schema, model, beside)
            return await counted(connection, table, count_sql(table, criteria))

        return await self._read(model, read)

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        names = schema_of(model).searchable(fields)

        async def read(connection: Connection, beside: str) -> list[M]:
            table = table_of(self._sql.schema, model, beside)
            return await found_words(connection, model, table, names, tokens, limit)

        return await self._read(model, read) if tokens else []

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        bound = bind_pipeline(pipeline, schema_of(model))

        async def read(connection: Connection, beside: str) -> list[dict[str, object]]:
            return await aggregated(connection, table_of(self._sql.schema, model, beside), bound)

        return await self._read(model, read)

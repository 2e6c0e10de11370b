"""GenerationRows: reads of one generation's rows, wherever a swap has put them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.generation_states import generations_of
from headwater.engines.postgres.located_reads import LocatedReads, Read
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.projection_lock import begin_shared
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_generations import known_or_unknown
from headwater.errors import UnknownName
from headwater.models.model import ReadModel

__all__ = ["GenerationRows"]

T = TypeVar("T")


class GenerationRows(LocatedReads):
    """Each read shares the projection's lock: between the look for the tables and their reading nobody renames them."""

    def __init__(
        self, sql: Statements, pool: Pool, projection: str, number: int, models: Sequence[type[ReadModel]]
    ) -> None:
        super().__init__(sql)
        self._pool = pool
        self._projection = projection
        self._number = number
        self._models = frozenset(models)

    async def _read(self, model: type[ReadModel], read: Read[T]) -> T:
        if model not in self._models:
            raise UnknownName(f"projection {self._projection!r} has no rows of {model.__name__}: it does not write it")
        return await self._pool.read_locked(begin_shared(self._sql, self._projection), self._located, read)

    async def _located(self, connection: Connection, read: Read[T]) -> T:
        known = await generations_of(connection, self._sql, self._projection)
        return await read(connection, known_or_unknown(known, self._projection, self._number).beside)

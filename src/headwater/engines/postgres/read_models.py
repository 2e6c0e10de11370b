"""PostgresReadModels: reads of the read models, one statement each."""

from __future__ import annotations

from typing import TypeVar

from headwater.engines.postgres.located_reads import LocatedReads, Read
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.models.model import ReadModel

__all__ = ["PostgresReadModels"]

T = TypeVar("T")


class PostgresReadModels(LocatedReads):
    """Reads what is served."""

    def __init__(self, sql: Statements, pool: Pool) -> None:
        super().__init__(sql)
        self._pool = pool

    async def _read(self, model: type[ReadModel], read: Read[T]) -> T:
        return await self._pool.read(read, "")

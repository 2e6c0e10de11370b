"""GenerationRows: reads of one generation's rows, wherever a swap has put them."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import apsw

from headwater.engines.sql.kept_generations import known_or_unknown
from headwater.engines.sqlite.generation_states import generations_of
from headwater.engines.sqlite.located_reads import LocatedReads, Read
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.errors import UnknownName
from headwater.models.model import ReadModel

__all__ = ["GenerationRows"]

T = TypeVar("T")


class GenerationRows(LocatedReads):
    """Each read looks for the generation's tables in the state of the store that it reads."""

    def __init__(
        self, sql: Statements, readers: Readers, projection: str, number: int, models: Sequence[type[ReadModel]]
    ) -> None:
        self._sql = sql
        self._readers = readers
        self._projection = projection
        self._number = number
        self._models = frozenset(models)

    async def _read(self, model: type[ReadModel], read: Read[T]) -> T:
        if model not in self._models:
            raise UnknownName(f"projection {self._projection!r} has no rows of {model.__name__}: it does not write it")
        return await self._readers.run(self._located, read)

    def _located(self, connection: apsw.Connection, read: Read[T]) -> T:
        connection.execute("BEGIN")
        try:
            known = generations_of(connection, self._sql, self._projection)
            return read(connection, known_or_unknown(known, self._projection, self._number).beside)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

"""Served tables: which table of each read model queries see, known for a moment."""

from __future__ import annotations

import asyncio
from typing import Final

from headwater.engines.cassandra.stage import ServedTable, Tables
from headwater.engines.cassandra.tables.generation_table import GenerationTable
from headwater.models.model import ReadModel, schema_of

__all__ = ["ServedTables"]

_FRESH: Final = 0.1
"""Seconds for which it is known without another look."""


class ServedTables:
    """Of one engine object. A reader that meets a table which was dropped meanwhile forgets, and looks once more."""

    def __init__(self, generations: GenerationTable) -> None:
        self._generations = generations
        self._looking: asyncio.Task[Tables] | None = None
        self._until = 0.0

    async def number(self, model: type[ReadModel]) -> int:
        """Of the table of a read model that is served now, or was a moment ago."""
        return (await self.of(model)).number

    async def of(self, model: type[ReadModel]) -> ServedTable:
        tables = await self._tables()
        return tables.served.get(str(schema_of(model).table), ServedTable())

    def forget(self) -> None:
        """It has changed."""
        self._looking = None

    async def _tables(self) -> Tables:
        """One look for all who ask meanwhile; it is as old as its beginning."""
        now, looking = asyncio.get_running_loop().time(), self._looking
        if looking is None or now > self._until or (looking.done() and (looking.cancelled() or looking.exception())):
            self._looking = looking = asyncio.ensure_future(self._generations.tables())
            self._until = now + _FRESH
        return await asyncio.shield(looking)

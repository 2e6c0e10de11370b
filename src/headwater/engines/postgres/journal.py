"""Journal: rows in the order they came."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, cast

from headwater.domain.version import check_count
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.texts import told
from headwater.engines.sql.kept_rows import EntryRow, entry_of
from headwater.ports.journal import Entry

__all__ = ["PostgresJournal"]

_LONGEST: Final = 8_000
"""Characters of a subject, or of details."""
_KEPT: Final = 10_000
"""Entries kept, at least."""
_PRUNED_AFTER: Final = 1_000
"""After so many more the older ones go, all at once. The server may skip a number, so that comes often."""


class PostgresJournal:
    """What one process notes is kept in the order it asked for."""

    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool
        self._noting = asyncio.Lock()

    async def note(self, entry: Entry) -> None:
        subject, details = entry.subject[:_LONGEST], entry.details[:_LONGEST]
        texts = [told(text) for text in (entry.by, entry.action, subject, entry.outcome, details)]
        async with self._noting:
            await self._pool.change(self._sql["note_entry"], entry.at, *texts, _KEPT, _PRUNED_AFTER)

    async def entries(
        self, *, action: str | None = None, subject: str | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        check_count(limit, "limit")
        start = action[:-1] if action is not None and action.endswith(".*") else None
        whole = action if start is None else None
        rows = await self._pool.fetch(self._sql["list_entries"], whole, start, subject, limit)
        return list(map(entry_of, cast("list[EntryRow]", rows)))

"""Journal: rows in the order they came."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, cast

from headwater.domain.free_text import told
from headwater.domain.version import check_count
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_rows import EntryRow, entry_of
from headwater.ports.journal import Entry

__all__ = ["PostgresJournal"]

_LONGEST: Final = 8_000
"""Characters of a subject, or of details."""
_KEPT: Final = 10_000
"""Entries kept, at least."""
_PRUNED_AFTER: Final = 1_000
"""After so many more the older ones go, all at once. The server may skip a number, so that comes often."""
_TOGETHER: Final = 500
"""Entries that are noted in one statement, at most."""


class PostgresJournal:
    """What one process notes is kept in the order it asked for; what waits meanwhile goes together."""

    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool
        self._noting = asyncio.Lock()
        self._rows: list[EntryRow] = []
        """Of the batch that takes in more."""
        self._noted: asyncio.Task[None] | None = None
        """Ends when that batch is in."""

    async def note(self, entry: Entry) -> None:
        noted = self._noted
        if noted is None or len(self._rows) in (0, _TOGETHER):
            self._rows = []
            self._noted = noted = asyncio.create_task(self._note(self._rows), name="headwater-journal")
        subject, details = entry.subject[:_LONGEST], entry.details[:_LONGEST]
        by, action, subject, outcome, details = map(told, (entry.by, entry.action, subject, entry.outcome, details))
        self._rows.append((entry.at, by, action, subject, outcome, details))
        await asyncio.shield(noted)

    async def entries(
        self, *, action: str | None = None, subject: str | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        check_count(limit, "limit")
        start = action[:-1] if action is not None and action.endswith(".*") else None
        whole = action if start is None else None
        rows = await self._pool.fetch(self._sql["list_entries"], whole, start, subject, limit)
        return list(map(entry_of, cast("list[EntryRow]", rows)))

    async def _note(self, rows: list[EntryRow]) -> None:
        async with self._noting:
            if self._rows is rows:
                self._rows = []  # whoever comes now is of the next batch
            columns = map(list, zip(*rows, strict=True))
            await self._pool.change(self._sql["note_entries"], *columns, _KEPT, _PRUNED_AFTER)

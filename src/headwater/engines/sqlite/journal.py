"""Journal: rows in the order they came."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import apsw

from headwater.domain.free_text import told
from headwater.domain.version import check_count
from headwater.engines.sql.kept_rows import EntryRow, entry_of
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.ports.journal import Entry

__all__ = ["SqliteJournal"]

_LONGEST: Final = 8_000
"""Characters of a subject, or of details."""
_KEPT: Final = 10_000
"""Entries kept, at least; after as many again the older ones go, all at once."""


class SqliteJournal:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers

    async def note(self, entry: Entry) -> None:
        subject, details = entry.subject[:_LONGEST], entry.details[:_LONGEST]
        by, action, subject, outcome, details = map(told, (entry.by, entry.action, subject, entry.outcome, details))
        await self._writer.run(self._note, (entry.at, by, action, subject, outcome, details))

    async def entries(
        self, *, action: str | None = None, subject: str | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        check_count(limit, "limit")
        start = action[:-1] if action is not None and action.endswith(".*") else None
        whole = action if start is None else None
        return await self._readers.run(self._entries, (whole, start, subject, limit))

    def _note(self, connection: apsw.Connection, row: EntryRow) -> None:
        number = cast("int", connection.execute(self._sql["insert_entry"], row).get)
        if number % _KEPT == 0:
            connection.execute(self._sql["prune_journal"], (number - _KEPT,))

    def _entries(
        self, connection: apsw.Connection, bindings: tuple[str | None, str | None, str | None, int]
    ) -> Sequence[Entry]:
        rows = cast("list[EntryRow]", connection.execute(self._sql["list_entries"], bindings).fetchall())
        return list(map(entry_of, rows))

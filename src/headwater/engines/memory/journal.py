"""Journal: entries in a deque, which forgets the oldest by itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from headwater.domain.free_text import told
from headwater.domain.version import check_count
from headwater.engines.memory.state import Part
from headwater.ports.journal import Entry

__all__ = ["MemoryJournal"]

_LONGEST: Final = 8_000
"""Characters of a subject, or of details."""


class MemoryJournal(Part):
    async def note(self, entry: Entry) -> None:
        subject, details = entry.subject[:_LONGEST], entry.details[:_LONGEST]
        by, action, subject, outcome, details = map(told, (entry.by, entry.action, subject, entry.outcome, details))
        self._state.journal.appendleft(
            Entry(at=entry.at, by=by, action=action, subject=subject, outcome=outcome, details=details)
        )
        self._state.committed()

    async def entries(
        self, *, action: str | None = None, subject: str | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        wanted = (
            entry for entry in self._state.journal if _is_of(entry.action, action) and subject in (None, entry.subject)
        )
        return list(islice(wanted, check_count(limit, "limit")))


def _is_of(action: str, wanted: str | None) -> bool:
    if wanted is not None and wanted.endswith(".*"):
        return action.startswith(wanted[:-1])
    return wanted in (None, action)

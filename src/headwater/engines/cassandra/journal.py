"""Journal: rows by the time they were noted, the newest first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, cast
from uuid import uuid4

import msgspec

from headwater.domain.free_text import told
from headwater.domain.version import check_count
from headwater.engines.cassandra.session import Session, Step
from headwater.engines.cassandra.tables.bodies import encoded
from headwater.ports.clock import Clock
from headwater.ports.journal import Entry

__all__ = ["CassandraJournal"]

_LONGEST: Final = 8_000
"""Characters of a subject, or of details."""
_KEPT: Final = 10_000
"""Entries kept, at least."""
_PRUNED_AFTER: Final = 250
"""After so many of its own, and at its first, an engine object has the older ones go, all at once: some forty that
note at the same time keep within what is promised."""
_TOGETHER: Final = 100
"""Entries that are noted in one batch, at most."""

_decode = msgspec.json.Decoder(Entry).decode


class CassandraJournal:
    """What one process notes is kept in the order it asked for; what waits meanwhile goes together.

    Entries of several processes come by their clocks.
    """

    def __init__(self, session: Session, clock: Clock, committed: Callable[[], None]) -> None:
        self._session = session
        self._now = clock.micros
        self._committed = committed
        self._writer = uuid4().hex
        self._noting = asyncio.Lock()
        self._entries: list[Entry] = []
        """Of the batch that takes in more."""
        self._noted: asyncio.Task[None] | None = None
        """Ends when that batch is in."""
        self._last: int | None = None
        """When the last one was noted; None: nobody has looked."""
        self._unpruned = 0

    async def note(self, entry: Entry) -> None:
        noted = self._noted
        if noted is None or len(self._entries) in (0, _TOGETHER):
            self._entries = []
            self._noted = noted = asyncio.create_task(self._note(self._entries), name="headwater-journal")
        subject, details = entry.subject[:_LONGEST], entry.details[:_LONGEST]
        by, action, subject, outcome, details = map(told, (entry.by, entry.action, subject, entry.outcome, details))
        self._entries.append(
            Entry(at=entry.at, by=by, action=action, subject=subject, outcome=outcome, details=details)
        )
        await asyncio.shield(noted)

    async def entries(
        self, *, action: str | None = None, subject: str | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        found: list[Entry] = []
        if check_count(limit, "limit") == 0:
            return found
        async for page in self._session.pages("list_entries"):
            entries = [_decode(cast("bytes", body)) for (body,) in page]
            found += [each for each in entries if _is_of(each.action, action) and subject in (None, each.subject)]
            if len(found) >= limit:
                break
        return found[:limit]

    async def _note(self, entries: list[Entry]) -> None:
        async with self._noting:
            if self._entries is entries:
                self._entries = []  # whoever comes now is of the next batch
            if self._last is None:
                self._last = await self._newest()
                self._unpruned = _PRUNED_AFTER
            first = max(self._now(), self._last + 1)
            steps: list[Step] = [
                ("note_entry", (first + place, self._writer, encoded(entry))) for place, entry in enumerate(entries)
            ]
            await self._session.write(*steps)
            self._last = first + len(entries) - 1
            self._unpruned += len(entries)
            if self._unpruned >= _PRUNED_AFTER:
                await self._prune()
                self._unpruned = 0
            self._committed()

    async def _newest(self) -> int:
        row = await self._session.row("list_entry_times", 1)
        return 0 if row is None else cast("int", row[0])

    async def _prune(self) -> None:
        """Those older than the ones that are kept, by one range: no more than one tombstone each time."""
        times = [cast("int", noted) for (noted,) in await self._session.rows("list_entry_times", _KEPT + 1)]
        if len(times) > _KEPT:
            await self._session.write(("prune_entries", (times[-2],)))


def _is_of(action: str, wanted: str | None) -> bool:
    if wanted is not None and wanted.endswith(".*"):
        return action.startswith(wanted[:-1])
    return wanted in (None, action)

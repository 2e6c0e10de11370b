"""Verification: every stored byte against its checksum, every count against its source, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final, cast

from asyncpg.pgproto.pgproto import UUID

from headwater.engines.postgres.connection import Row
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.checksum import snapshot_checksum
from headwater.engines.sql.event_walk import EventWalk, WalkedEvent, wrong
from headwater.ports.admin import Finding

__all__ = ["Verification"]

_PAGE: Final = 1_000
_CATEGORIES: Final = 10
"""Categories of one page: each counts all its streams."""
_OFFSETS: Final = 100_000
"""Offsets counted at a time."""


class Verification:
    """One walk over a store in statements that each look at a bounded part of it.

    Each sees one state of the store, so what is appended meanwhile is no finding; it is checked where the walk still
    comes to it.
    """

    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool
        self._walk = EventWalk()

    @property
    def checked(self) -> int:
        """Events checked so far."""
        return self._walk.checked

    async def steps(self) -> AsyncIterator[Sequence[Finding]]:
        """What each piece of the walk shows."""
        async for rows in self._pages("verify_events", ("", 0), _PAGE):
            yield [finding for row in rows for finding in self._event(row)]
        async for rows in self._pages("verify_streams", ("",), _PAGE):
            yield _of_streams(rows)
        async for rows in self._pages("verify_categories", ("",), _CATEGORIES):
            yield [_miscounted(row[0]) for row in rows if not row[1]]
        for (partition,) in await self._pool.fetch(self._sql["list_partitions"]):
            async for findings in self._offsets(cast("int", partition)):
                yield findings
        async for rows in self._pages("verify_keys", ("", ""), _PAGE):
            yield [wrong("a unique key held by no stream", f"{row[0]} {row[1]}") for row in rows if not row[2]]
        async for rows in self._pages("verify_tags", ("", 0, 0), _PAGE):
            what = "a tag of an event that is not there"
            yield [
                wrong(what, f"{tag}, partition {p}, offset {offset}")
                for tag, p, offset, is_there in rows
                if not is_there
            ]
        async for rows in self._pages("verify_snapshots", ("", ""), _PAGE):
            yield [finding for row in rows for finding in _of_snapshot(row)]

    async def _pages(self, statement: str, start: tuple[object, ...], page: int) -> AsyncIterator[Sequence[Row]]:
        """Its rows, from one whose first columns are past `start` on; no page is empty."""
        while rows := await self._pool.fetch(self._sql[statement], *start, page):
            yield rows
            start = tuple(rows[-1][: len(start)])

    def _event(self, row: Row) -> Iterator[Finding]:
        *columns, is_misplaced = row
        event = WalkedEvent._make(columns)
        event = event._replace(event_id=cast("UUID", event.event_id).bytes)
        yield from self._walk.check(event)
        if is_misplaced:
            yield wrong("an event in another partition than its stream", f"{event.stream} version {event.version}")

    async def _offsets(self, partition: int) -> AsyncIterator[Sequence[Finding]]:
        """Whether a partition has an event at each offset below its end, and none behind it."""
        start, end, is_behind = 0, 1, False
        while start < end:
            row = await self._pool.row(self._sql["verify_offsets"], partition, start, _OFFSETS)
            found, end, is_behind = cast("tuple[int, int, bool]", row)
            stop = min(start + _OFFSETS, end)
            where = f"partition {partition}, offsets {start} to {stop}"
            yield [wrong("offsets with a hole: events are missing", where)] if found < stop - start else []
            start += _OFFSETS
        if is_behind:
            yield [wrong("events behind the end of their partition", f"partition {partition}, offset {end}")]


def _of_streams(rows: Sequence[Row]) -> list[Finding]:
    """Streams whose last event is another one, and categories that nobody counts, once a page."""
    uncounted = {category: None for _, category, _, is_counted in rows if not is_counted}
    found = [
        wrong("another number of events than its version", str(name))
        for name, _, is_at_head, _ in rows
        if not is_at_head
    ]
    return found + [_miscounted(category) for category in uncounted]


def _of_snapshot(row: Row) -> Iterator[Finding]:
    stream, _, version, state, checksum, is_ahead = cast("tuple[str, str, int, bytes, int, bool]", row)
    if checksum != snapshot_checksum(version, state):
        what = "a damaged snapshot: it is ignored, and made anew"
        yield Finding(severity="warning", what=what, where=stream)
    elif is_ahead:
        yield wrong("a snapshot ahead of its stream", stream)


def _miscounted(category: object) -> Finding:
    return wrong("a category counts other streams than there are", str(category))

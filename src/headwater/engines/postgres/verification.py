"""Verification: every stored byte against its checksum, every count against its source, a page at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, cast

from asyncpg.pgproto.pgproto import UUID

from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.checksum import snapshot_checksum
from headwater.engines.sql.event_walk import EventWalk, WalkedEvent, wrong
from headwater.ports.admin import Finding

__all__ = ["Verification"]

_PAGE: Final = 1_000


class Verification:
    """One walk over a store. What is appended meanwhile is checked where the walk still comes to it."""

    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool
        self._walk = EventWalk()

    @property
    def checked(self) -> int:
        """Events checked so far."""
        return self._walk.checked

    async def steps(self) -> AsyncIterator[Sequence[Finding]]:
        """What each bounded piece of the walk shows."""
        async for findings in self._events():
            yield findings
        rows = await self._pool.fetch(self._sql["verify_counts"])
        yield [wrong(what, where) for what, where in cast("list[tuple[str, str]]", rows)]
        async for findings in self._snapshots():
            yield findings

    async def _events(self) -> AsyncIterator[Sequence[Finding]]:
        place = "", 0
        while rows := await self._pool.fetch(self._sql["verify_events"], *place, _PAGE):
            events = [_walked(row) for row in rows]
            yield [finding for event in events for finding in self._walk.check(event)]
            place = cast("str", events[-1].stream), events[-1].version

    async def _snapshots(self) -> AsyncIterator[Sequence[Finding]]:
        place = "", ""
        while found := await self._pool.fetch(self._sql["verify_snapshots"], *place, _PAGE):
            rows = cast("list[tuple[str, str, int, bytes, int, int | None]]", found)
            yield [
                wrong("a snapshot that does not match its checksum, or is ahead of its stream", stream)
                for stream, _, version, state, checksum, head in rows
                if checksum != snapshot_checksum(version, state) or version > (head or 0)
            ]
            place = rows[-1][0], rows[-1][1]


def _walked(row: Sequence[object]) -> WalkedEvent:
    event = WalkedEvent._make(row)
    return event._replace(event_id=cast("UUID", event.event_id).bytes)

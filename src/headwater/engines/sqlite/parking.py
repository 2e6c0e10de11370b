"""Parking: rows by place."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import apsw
import msgspec

from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.ports.parking import ParkedEvent

__all__ = ["SqliteParking", "set_aside"]

_Row: TypeAlias = tuple[str, int, int, str, str, str | None, str, int, int, bytes | None]


class SqliteParking:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers

    async def parked(self, projection: str | None = None, key: str | None = None) -> Sequence[ParkedEvent]:
        return await self._readers.run(self._parked, projection, key)

    async def park(self, event: ParkedEvent) -> None:
        await self._writer.run(set_aside, self._sql, [event])

    async def edit(self, projection: str, partition: int, offset: int, data: bytes) -> bool:
        return await self._writer.run(_changed, self._sql["edit_parked"], (data, projection, partition, offset))

    async def discard(self, projection: str, partition: int, offset: int) -> bool:
        return await self._writer.run(_changed, self._sql["discard_parked"], (projection, partition, offset))

    def _parked(self, connection: apsw.Connection, projection: str | None, key: str | None) -> Sequence[ParkedEvent]:
        rows = cast("list[_Row]", connection.execute(self._sql["list_parked"], (projection, key)).fetchall())
        return [_event(row) for row in rows]


def set_aside(connection: apsw.Connection, sql: Statements, events: Sequence[ParkedEvent]) -> None:
    """Park events inside the caller's transaction."""
    connection.executemany(sql["park_event"], [msgspec.structs.astuple(event) for event in events])


def _event(row: _Row) -> ParkedEvent:
    projection, partition, offset, key, type, error, trace, attempts, parked_at, data = row
    return ParkedEvent(
        projection=projection,
        partition=partition,
        offset=offset,
        key=key,
        type=type,
        error=error,
        trace=trace,
        attempts=attempts,
        parked_at=parked_at,
        data=data,
    )


def _changed(connection: apsw.Connection, statement: str, bindings: tuple[str | int | bytes, ...]) -> bool:
    connection.execute(statement, bindings)
    return connection.changes() > 0

"""Conditions: rows beside the checkpoints."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import apsw

from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.ports.conditions import Pause, Trouble, TroubleKind
from headwater.ports.place import Place

__all__ = ["SqliteConditions"]

_Pause: TypeAlias = tuple[str, str, str, int]
_Trouble: TypeAlias = tuple[str, int, int, int, TroubleKind, str, int, int, str, int, int | None]


class SqliteConditions:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers

    async def pause(self, pause: Pause) -> None:
        row = pause.projection, pause.by, pause.reason, pause.since
        await self._writer.run(_changed, self._sql["write_pause"], row)

    async def resume(self, projection: str) -> bool:
        return await self._writer.run(_changed, self._sql["delete_pause"], (projection,))

    async def pauses(self) -> Sequence[Pause]:
        return await self._readers.run(self._pauses)

    async def report(self, place: Place, trouble: Trouble | None) -> None:
        key = place.projection, place.partition, place.generation, place.key_range
        if trouble is None:
            await self._writer.run(_changed, self._sql["delete_trouble"], key)
        else:
            row = trouble.kind, trouble.error, trouble.offset, trouble.since, trouble.owner, trouble.failures
            await self._writer.run(_changed, self._sql["write_trouble"], (*key, *row, trouble.retry_at))

    async def troubles(self) -> Sequence[Trouble]:
        return await self._readers.run(self._troubles)

    def _pauses(self, connection: apsw.Connection) -> Sequence[Pause]:
        rows = cast("list[_Pause]", connection.execute(self._sql["list_pauses"]).fetchall())
        return [Pause(projection=name, by=by, reason=reason, since=since) for name, by, reason, since in rows]

    def _troubles(self, connection: apsw.Connection) -> Sequence[Trouble]:
        rows = cast("list[_Trouble]", connection.execute(self._sql["list_troubles"]).fetchall())
        return [_trouble(row) for row in rows]


def _trouble(row: _Trouble) -> Trouble:
    projection, partition, generation, key_range, kind, error, offset, since, owner, failures, retry_at = row
    return Trouble(
        place=Place(projection, partition, generation, key_range),
        kind=kind,
        error=error,
        offset=offset,
        since=since,
        owner=owner,
        failures=failures,
        retry_at=retry_at,
    )


def _changed(connection: apsw.Connection, statement: str, bindings: tuple[str | int | None, ...]) -> bool:
    connection.execute(statement, bindings)
    return connection.changes() > 0

"""Conditions: rows beside the checkpoints."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import apsw

from headwater.domain.free_text import told
from headwater.engines.sql.kept_rows import PauseRow, TroubleRow, pause_of, trouble_of
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.ports.conditions import Pause, Trouble
from headwater.ports.place import Place

__all__ = ["SqliteConditions"]


class SqliteConditions:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers

    async def pause(self, pause: Pause) -> None:
        row = pause.projection, told(pause.by), told(pause.reason), pause.since
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
            what = trouble.kind, told(trouble.error), trouble.offset, trouble.since
            row = *key, *what, told(trouble.owner), trouble.failures, trouble.retry_at
            await self._writer.run(_changed, self._sql["write_trouble"], row)

    async def troubles(self) -> Sequence[Trouble]:
        return await self._readers.run(self._troubles)

    def _pauses(self, connection: apsw.Connection) -> Sequence[Pause]:
        return list(map(pause_of, cast("list[PauseRow]", connection.execute(self._sql["list_pauses"]).fetchall())))

    def _troubles(self, connection: apsw.Connection) -> Sequence[Trouble]:
        rows = cast("list[TroubleRow]", connection.execute(self._sql["list_troubles"]).fetchall())
        return list(map(trouble_of, rows))


def _changed(connection: apsw.Connection, statement: str, bindings: tuple[str | int | None, ...]) -> bool:
    connection.execute(statement, bindings)
    return connection.changes() > 0

"""Bonds of a store, in a row beside its identity."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import cast

import apsw

from headwater.domain.bonds import Bonds
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer

__all__ = ["KeptBonds"]


class KeptBonds:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers

    async def look(self) -> Bonds:
        """As they are."""
        return await self._readers.run(self.read)

    async def follow(self, store_id: str) -> None:
        """See `Engine.follow`."""
        bonds = await self.look()
        if bonds.follows is None:
            bonds = await self._writer.run(self._changed, "follow_log", (store_id,))
        bonds.check_follows(store_id)

    async def begin_copy(self, store_id: str) -> None:
        """See `Imports.begin`."""
        (await self._writer.run(self._changed, "begin_copy", (store_id,))).check_becomes(store_id)

    async def finish_copy(self) -> None:
        """See `Imports.finish`."""
        await self._writer.run(self._changed, "finish_copy", ())

    def read(self, connection: apsw.Connection) -> Bonds:
        """As they are on a connection."""
        store_id, follows, copy_of, copying = cast(
            "tuple[str, str | None, str | None, int]", connection.execute(self._sql["read_bonds"]).get
        )
        return Bonds(store_id, follows, copy_of, bool(copying))

    def _changed(self, connection: apsw.Connection, statement: str, bindings: tuple[str, ...]) -> Bonds:
        connection.execute(self._sql[statement], bindings)
        return self.read(connection)

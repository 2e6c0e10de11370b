"""UniqueKeys: the holder, by its stream."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import cast

import apsw

from headwater.domain.append import UniqueKey
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements

__all__ = ["SqliteUniqueKeys"]


class SqliteUniqueKeys:
    def __init__(self, sql: Statements, readers: Readers) -> None:
        self._find = sql["find_key"]
        self._readers = readers

    async def holder(self, key: UniqueKey) -> str | None:
        return await self._readers.run(self._holder, key)

    def _holder(self, connection: apsw.Connection, key: UniqueKey) -> str | None:
        row = connection.execute(self._find, (key.scope, key.value)).get
        return None if row is None else cast("tuple[int, str]", row)[1]

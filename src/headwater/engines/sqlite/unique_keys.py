"""UniqueKeys: the holders, by their streams."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import apsw

from headwater.domain.append import UniqueKey
from headwater.domain.version import check_count
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.ports.unique_keys import HeldKey

__all__ = ["SqliteUniqueKeys"]


class SqliteUniqueKeys:
    def __init__(self, sql: Statements, readers: Readers) -> None:
        self._find = sql["find_key"]
        self._list = sql["list_keys"]
        self._readers = readers

    async def holder(self, key: UniqueKey) -> str | None:
        return await self._readers.run(self._holder, key)

    def _holder(self, connection: apsw.Connection, key: UniqueKey) -> str | None:
        row = connection.execute(self._find, (key.scope, key.value)).get
        return None if row is None else cast("tuple[int, str]", row)[1]

    async def held(self, after: UniqueKey | None = None, limit: int = 1_000) -> Sequence[HeldKey]:
        check_count(limit, "limit")
        return await self._readers.run(self._held, after or UniqueKey("", ""), limit)

    def _held(self, connection: apsw.Connection, after: UniqueKey, limit: int) -> Sequence[HeldKey]:
        rows = connection.execute(self._list, (after.scope, after.value, limit))
        found = cast("list[tuple[str, str, str | None]]", rows.fetchall())
        return [HeldKey(UniqueKey(scope, value), stream) for scope, value, stream in found]

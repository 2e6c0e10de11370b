"""UniqueKeys: the holders, with what appends are about to change decided first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from heapq import merge
from typing import cast

from headwater.domain.append import UniqueKey
from headwater.domain.version import check_count
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.protocol.claiming import holder_of
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.key_table import SHELVES
from headwater.ports.unique_keys import HeldKey

__all__ = ["CassandraUniqueKeys"]


class CassandraUniqueKeys:
    def __init__(self, session: Session, performer: Performer) -> None:
        self._session = session
        self._run = performer.run

    async def holder(self, key: UniqueKey) -> str | None:
        return await self._run(holder_of(key))

    async def held(self, after: UniqueKey | None = None, limit: int = 1_000) -> Sequence[HeldKey]:
        check_count(limit, "limit")
        found = list[HeldKey]()
        while len(found) < limit:
            keys = await self._names(after or UniqueKey("", ""), limit)
            holders = await asyncio.gather(*map(self.holder, keys))
            found += [HeldKey(key, holder) for key, holder in zip(keys, holders, strict=True) if holder is not None]
            if len(keys) < limit:
                break
            after = keys[-1]
        return found[:limit]

    async def _names(self, after: UniqueKey, limit: int) -> list[UniqueKey]:
        """Keys that may be held, in order, those behind one."""
        reads = [
            self._session.rows("list_key_names", shelf, after.scope, after.value, limit) for shelf in range(SHELVES)
        ]
        shelves = await asyncio.gather(*reads)
        return list(merge(*[[UniqueKey(*cast("tuple[str, str]", row)) for row in rows] for rows in shelves]))[:limit]

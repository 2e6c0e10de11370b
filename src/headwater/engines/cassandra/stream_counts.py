"""Stream counts: how many streams each category has, and their names."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from heapq import merge
from typing import cast

from headwater.engines.cassandra.appending.pending import Pending
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.session import Session

__all__ = ["StreamCounts"]


class StreamCounts:
    """Of the streams whose first event is in the log; of those begun by this engine object, all."""

    def __init__(self, session: Session, log: CassandraLog, pending: Pending, patience: float) -> None:
        self._session = session
        self._log = log
        self._pending = pending
        self._patience = patience

    async def of(self, category: str) -> int:
        return (await self.all())[category]

    async def all(self) -> Counter[str]:
        """By category."""
        await self._pending.wait_for_all(self._patience)
        counts = Counter[str]()
        reads = [self._session.rows("read_counts", part) for part in range(self._log.partitions)]
        for rows in await asyncio.gather(*reads):
            for category, streams, _ in cast("list[tuple[str, int, int]]", rows):
                counts[category] += streams
        return counts

    async def names(self, category: str, after: str, limit: int) -> Sequence[str]:
        """The names of a category's streams behind one, by code point, at most `limit`."""
        await self._pending.wait_for_all(self._patience)
        reads = [
            self._session.rows("list_stream_names", part, category, after, limit)
            for part in range(self._log.partitions)
        ]
        found = [[cast("str", name) for (name,) in rows] for rows in await asyncio.gather(*reads)]
        return list(merge(*found))[:limit]

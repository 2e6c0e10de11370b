"""Heads: where the partitions of the log end, asked for all of them at once on behalf of whoever wants to know.

After each commit the reader of every partition looks for more, and most find nothing: one look serves them all.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import cast

from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.errors import HeadwaterError

__all__ = ["Heads"]


class Heads:
    """What is known of the heads; they only grow."""

    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool
        self._known: dict[int, int] = {}
        self._under_way: asyncio.Task[bool] | None = None
        self._coming: asyncio.Task[bool] | None = None
        """A look that has not begun: whoever asks now may wait for it."""

    def learn(self, partition: int, head: int) -> None:
        """An event was committed right before this head."""
        self._known[partition] = max(head, self._known.get(partition, 0))

    async def may_be_beyond(self, partition: int, offset: int) -> bool:
        """False if, since the call, the partition was seen to end at or before the offset."""
        if self._known.get(partition, 0) > offset:
            return True
        if self._coming is None:
            self._coming = asyncio.create_task(self._look(self._under_way), name="headwater-heads")
        has_looked = await asyncio.shield(self._coming)
        return not has_looked or self._known.get(partition, 0) > offset

    async def _look(self, before: asyncio.Task[bool] | None) -> bool:
        """False where it fails: who asked finds out why by reading."""
        if before is not None and not before.done():
            await asyncio.wait((before,))
        self._under_way, self._coming = self._coming, None
        with suppress(HeadwaterError, OSError):
            for partition, head in cast("list[tuple[int, int]]", await self._pool.fetch(self._sql["read_heads"])):
                self.learn(partition, head)
            return True
        return False

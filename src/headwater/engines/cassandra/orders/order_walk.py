"""Order walk: the entries of a span in their order, a few at a time, merged from the shards they lie in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, cast

from headwater.engines.cassandra.orders.order_rank import END
from headwater.engines.cassandra.orders.order_span import Span
from headwater.engines.cassandra.orders.order_table import SHARDS, Entry, OrderTable
from headwater.engines.cassandra.session import Session

__all__ = ["OrderWalk"]

_LEAST: Final = 4
_MOST: Final = 500
"""Entries of one answer."""


class OrderWalk:
    def __init__(self, session: Session, order: OrderTable, span: Span) -> None:
        self._session = session
        self._order = order
        self._high = span.high
        self._lows: dict[int, bytes] = dict.fromkeys(range(SHARDS), span.low)
        """Where to read on, by shard; without those that have no more."""
        self._at_hand: list[Entry] = []
        """What was read, in order."""
        self._read_up_to: dict[int, bytes] = {}

    async def on(self, wanted: int) -> tuple[Sequence[Entry], bytes]:
        """The next entries, and the rank up to which there are no others: no more than wanted; fewer only at the end,
        which is `END`."""
        size = min(_MOST, max(_LEAST, 2 * wanted // SHARDS))
        while True:
            bound = min(self._read_up_to.values(), default=END) if len(self._read_up_to) == len(self._lows) else b""
            ready = [entry for entry in self._at_hand if entry.rank <= bound]
            if len(ready) >= wanted or not self._lows:
                taken = ready[:wanted]
                self._at_hand = self._at_hand[len(taken) :]
                return taken, taken[-1].rank if self._at_hand or self._lows else END
            await self._read([shard for shard in self._lows if self._read_up_to.get(shard, b"") <= bound], size)

    async def _read(self, shards: Sequence[int], size: int) -> None:
        for shard, found in zip(
            shards, await asyncio.gather(*[self._more(shard, size) for shard in shards]), strict=True
        ):
            self._at_hand += found
            if len(found) < size:
                del self._lows[shard]
                self._read_up_to.pop(shard, None)
            else:
                last = found[-1].rank
                self._read_up_to[shard], self._lows[shard] = last, last + b"\0"  # others of this rank are of its key
        self._at_hand.sort()

    async def _more(self, shard: int, size: int) -> list[Entry]:
        rows = await self._session.rows(self._order.read, shard, self._lows[shard], self._high, size)
        return [Entry(*cast("tuple[bytes, int, int, str, int]", row)) for row in rows]

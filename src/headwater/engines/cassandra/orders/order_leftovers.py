"""Order leftovers: entries that lead to where a sub-row no longer is, as whoever died before they went has left them.

One is taken away where its sub-row was written later than it: then nobody can write the sub-row as it was any more. An
entry whose row is not there yet stays, as the row may be about to come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Final, cast

from headwater.engines.cassandra.orders.order_table import Entry, OrderTable, shard_of
from headwater.engines.cassandra.rows.sub_row import DIRECT
from headwater.engines.cassandra.rows.sub_row_cells import sub_row_of
from headwater.engines.cassandra.session import Session
from headwater.errors import StoreError

__all__ = ["drop_leftovers", "is_left_over"]

_MOST: Final = 50
"""At a time: the next who meets the others goes on."""


async def drop_leftovers(session: Session, order: OrderTable, entries: Iterable[Entry]) -> None:
    """Of these entries, which did not lead to a row; nothing where the store does not take it now."""
    with suppress(StoreError):
        await asyncio.gather(*[_drop(session, order, entry) for entry in islice(entries, _MOST)])


async def _drop(session: Session, order: OrderTable, entry: Entry) -> None:
    if await is_left_over(session, order, entry):
        place = shard_of(entry.key), entry.rank, entry.part, entry.replayed
        await session.write((order.remove, (entry.written_at, *place)))


async def is_left_over(session: Session, order: OrderTable, entry: Entry) -> bool:
    """Whether it leads nowhere and never will."""
    row = await session.row(order.table.get_written, entry.key, entry.part, entry.replayed)
    if row is None:
        return False
    *cells, written = row
    sub_row = sub_row_of(order.table, tuple(cells))
    if (sub_row.turn if entry.part == DIRECT else cast("int", written)) <= entry.written_at:
        return False
    return sub_row.row is None or order.rank(order.table.schema.to_scalars(sub_row.row)) != entry.rank

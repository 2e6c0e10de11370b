"""Order entries: what is to be written to the orders of a table beside a row.

An entry is there before the sub-row it is of, and is written anew with each write of it, at the same time. The one
that led to where the sub-row was goes once that is written, by a delete that is older than what is written now: so it
takes away what was there before, and nothing that anybody writes later, or has written again meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from headwater.engines.cassandra.orders.order_table import OrderTable, shard_of
from headwater.engines.cassandra.rows.row_work import Image, RowWork
from headwater.engines.cassandra.session import Step
from headwater.models.model import ReadModel

__all__ = ["EntrySteps", "entry_steps"]


class EntrySteps(msgspec.Struct, frozen=True):
    first: Sequence[Step]
    """Before the row is written."""
    then: Sequence[Step]
    """Once it is."""


def entry_steps(work: RowWork, orders: Iterable[OrderTable]) -> EntrySteps:
    """Raises InvalidMessage for a row that is too long for an order."""
    images, first, then = work.images, list[Step](), list[Step]()
    shard = shard_of(work.key)
    for order in orders:
        for image in images:
            was, rank = _rank(order, image.before), _rank(order, image.after)
            if rank is not None:
                first.append((order.write, (shard, rank, image.part, image.replayed, work.key, image.at)))
            if was is not None and was != rank:
                then.append((order.remove, (_before(image), shard, was, image.part, image.replayed)))
    return EntrySteps(first, then)


def _before(image: Image) -> int:
    """Two that write one sub-row at the same time, and differ, leave the entries of both."""
    return max(0, image.at - 1)


def _rank(order: OrderTable, row: ReadModel | None) -> bytes | None:
    return None if row is None else order.rank(order.table.schema.to_scalars(row))

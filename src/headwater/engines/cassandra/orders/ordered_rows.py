"""Ordered rows: the first rows of a declared order, by the entries that a table keeps for it.

Every entry up to some rank is looked at before any row up to there is given, and each row is put where it stands when
it is read: so an entry that leads to where a row no longer is does no harm, and a row that moves meanwhile within what
was looked at is not missed.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

from headwater.engines.cassandra.orders.order_leftovers import drop_leftovers
from headwater.engines.cassandra.orders.order_rank import END
from headwater.engines.cassandra.orders.order_span import Span, equals, span_of
from headwater.engines.cassandra.orders.order_table import Entry, OrderTable
from headwater.engines.cassandra.orders.order_walk import OrderWalk
from headwater.engines.cassandra.rows.catalogue import Catalogue
from headwater.engines.cassandra.rows.narrowing import fields_in, ways
from headwater.engines.cassandra.rows.row_stream import rows_of
from headwater.engines.cassandra.rows.table import Table
from headwater.engines.cassandra.session import Session
from headwater.models.binding import BoundCriteria
from headwater.models.evaluate import Row, Test, matcher
from headwater.models.fields import Scalar
from headwater.models.ordering import BoundOrder

__all__ = ["OrderedRows"]

_LOOKED_AT: Final = 20
"""Entries for each row that is wanted, and some more, before all rows are looked at instead."""
_MORE: Final = 1_000


class OrderedRows:
    def __init__(self, session: Session, catalogue: Catalogue) -> None:
        self._session = session
        self._catalogue = catalogue

    async def first(
        self, table: Table, criteria: BoundCriteria, asked: Sequence[BoundOrder], end: int, indexed: frozenset[str]
    ) -> list[Row] | None:
        """The first rows that are meant, up to `end` of them; None where no order that is kept leads to them.

        `indexed` are fields that could lead to them as well.
        """
        order = _chosen(await self._catalogue.orders.of(table), criteria, asked)
        if order is None or self._catalogue.accumulated_here(table) & order.fields:
            return None
        if not fields_in(criteria) <= order.fields and ways(criteria, table.schema.key, indexed):
            return None
        span = span_of(criteria, order.bound)
        if span is None:
            return []
        found = await self._walk(order, span, matcher(criteria, table.schema.fields), end)
        known = await self._catalogue.find(table)  # asked after: what is merged since was noted before
        return None if known is None or known.accumulated & order.fields else found

    async def _walk(self, order: OrderTable, span: Span, is_meant: Test, end: int) -> list[Row] | None:
        walk = OrderWalk(self._session, order, span)
        read: dict[Scalar, tuple[bytes, Row] | None] = {}
        found: list[tuple[bytes, Row]] = []
        looked_at, up_to = 0, b""
        while len(found) < end and up_to != END:
            if looked_at > _LOOKED_AT * end + _MORE:
                return None
            entries, up_to = await walk.on(max(end - len(found), looked_at))
            looked_at += len(entries)
            await self._read(order, entries, read)
            found = [
                each
                for each in read.values()
                if each is not None and span.low <= each[0] <= up_to and is_meant(each[1])
            ]
            await drop_leftovers(self._session, order, [each for each in entries if not _stands(read, each)])
        return [row for _, row in sorted(found)[:end]]

    async def _read(
        self, order: OrderTable, entries: Sequence[Entry], read: dict[Scalar, tuple[bytes, Row] | None]
    ) -> None:
        """The rows that entries lead to, each once."""
        new = list(dict.fromkeys([entry.key for entry in entries if entry.key not in read]))
        read.update(dict.fromkeys(new))
        async for page in rows_of(self._session, order.table, new):
            read.update({row[order.table.key_place]: (order.rank(row), row) for row in page.rows})


def _stands(read: dict[Scalar, tuple[bytes, Row] | None], entry: Entry) -> bool:
    """Whether a row is where an entry says."""
    row = read[entry.key]
    return row is not None and row[0] == entry.rank


def _chosen(kept: Sequence[OrderTable], criteria: BoundCriteria, asked: Sequence[BoundOrder]) -> OrderTable | None:
    """The order that gives what is asked for where the fields that are equal in every row are left out of both."""
    equal = equals(criteria)
    if asked[-1].field.name in equal:
        return None  # one row, which its key leads to

    def varying(orders: Sequence[BoundOrder]) -> list[tuple[str, bool]]:
        return [(each.field.name, each.descending) for each in orders if each.field.name not in equal]

    fitting = [order for order in kept if varying(order.bound) == varying(asked)]
    return max(fitting, key=lambda order: _known(order, equal), default=None)


def _known(order: OrderTable, equal: Container[str]) -> int:
    """How many of its first fields are."""
    names = [each.field.name for each in order.bound]
    return next((at for at, name in enumerate(names) if name not in equal), len(names))

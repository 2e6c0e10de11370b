"""Kept orders: for which orders a table of a read model has entries for each of its rows.

Whoever is the first to write a row seals the table: until then orders can be added to it, and from then on they are
what they are. So nobody ever writes a row without knowing all of them, and each has an entry for every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

import msgspec

from headwater.engines.cassandra.orders.order_table import OrderTable, order_table, physical_order
from headwater.engines.cassandra.rows.table import Table, physical
from headwater.engines.cassandra.session import Session
from headwater.errors import StoreBusy
from headwater.models.criteria import Order

__all__ = ["KeptOrders", "order_text"]

_TRIES: Final = 50

_Row: TypeAlias = tuple[str | None, bool | None, set[str] | None]
_decode = msgspec.json.Decoder(list[list[Order]]).decode


class _Kept(NamedTuple):
    text: str | None
    """As it is stored; None for a table that was made by a release that kept none, or not made."""
    is_sealed: bool
    asked: frozenset[str]
    """Orders that were asked for beside those of the class, for every table of the read model."""

    @property
    def orders(self) -> list[tuple[Order, ...]]:
        return [] if self.text is None else [tuple(order) for order in _decode(self.text)]


class KeptOrders:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._sealed: dict[str, Sequence[OrderTable]] = {}
        """By the name of the table in its keyspace."""

    async def of(self, table: Table) -> Sequence[OrderTable]:
        """Those of a table as it is now."""
        sealed = self._sealed.get(table.physical)
        return sealed if sealed is not None else self._tables(table, await self._find(_place(table)))

    async def for_writing(self, table: Table) -> Sequence[OrderTable]:
        """Those that whoever writes to a table has to write to as well: no other will ever be."""
        for _ in range(_TRIES):
            if (sealed := self._sealed.get(table.physical)) is not None:
                return sealed
            kept = await self._find(_place(table), serially=True)
            if kept.is_sealed or kept.text is None:
                return self._tables(table, kept)
            await self._session.compare_and_set(("seal_orders", (*_place(table), kept.text)))
        raise StoreBusy(f"others change the orders of {table.schema.table!r} all the time: try again later")

    async def keep(self, table: Table) -> None:
        """Have a table keep the orders of its class, and those that were asked for, if no row was written to it yet."""
        for _ in range(_TRIES):
            kept = await self._find(_place(table), serially=True)
            there = kept.orders
            asked = [tuple(msgspec.json.decode(text, type=list[Order])) for text in sorted(kept.asked)]
            known = [order for order in asked if all(each.field in table.schema.fields for each in order)]
            wanted = list(dict.fromkeys([*there, *table.schema.orders, *known]))
            new = [order_table(self._session.keyspace, table, order) for order in wanted if order not in there]
            if not new or kept.is_sealed or kept.text is None:
                return
            for each in new:
                await self._session.run(each.make)
            step = "keep_orders", (_text(wanted), *_place(table), kept.text)
            if await self._session.compare_and_set(step) is None:
                return
        raise StoreBusy(f"others change the orders of {table.schema.table!r} all the time: try again later")

    async def names(self, name: str, number: int) -> Sequence[str]:
        """Of the tables of the orders that a table of a read model keeps, which is about to go."""
        self._sealed.pop(physical("rm", name, number), None)
        return [physical_order(order, name, number) for order in (await self._find((name, number))).orders]

    def _tables(self, table: Table, kept: _Kept) -> Sequence[OrderTable]:
        tables = [order_table(self._session.keyspace, table, order) for order in kept.orders]
        if kept.is_sealed:
            self._sealed[table.physical] = tables
        return tables

    async def _find(self, place: tuple[str, int], serially: bool = False) -> _Kept:
        row = await self._session.row("find_orders", *place, serially=serially)
        text, is_sealed, asked = cast("_Row", row or (None, None, None))
        return _Kept(text, bool(is_sealed), frozenset(asked or ()))


def order_text(order: Iterable[Order]) -> str:
    """An order as it is kept."""
    return msgspec.json.encode(list(order)).decode()


def _text(orders: Iterable[Sequence[Order]]) -> str:
    return msgspec.json.encode([list(order) for order in orders]).decode()


def _place(table: Table) -> tuple[str, int]:
    return str(table.schema.table), table.number

"""Catalogue: what the store remembers of the tables of read models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias, cast

import msgspec

from headwater.engines.cassandra.orders.kept_orders import KeptOrders, order_text
from headwater.engines.cassandra.rows.table import Table
from headwater.engines.cassandra.session import Session
from headwater.engines.sql.declaration import Declaration, declared
from headwater.models.criteria import Order

__all__ = ["Catalogue", "Known"]

_Row: TypeAlias = tuple[str | None, set[str] | None, set[str] | None, set[str] | None]


class Known(msgspec.Struct, frozen=True):
    """What is known of a table that is there, or is to be."""

    declaration: Declaration
    text: str
    """The declaration as it is kept."""
    accumulated: frozenset[str]
    """Fields whose value may be merged from several rows: an index does not know it."""
    added: frozenset[str]
    """Fields that came after rows which do not have them: an index does not know these have the default."""


class Catalogue:
    def __init__(self, session: Session) -> None:
        self._session = session
        self.orders = KeptOrders(session)
        self._noted: set[tuple[str, str]] = set()
        """Tables and accumulated fields that this object has noted, or found noted."""
        self._indexed: dict[str, frozenset[str]] = {}

    async def find(self, table: Table) -> Known | None:
        """None where no such table was made."""
        row = await self._session.row("find_read_model", str(table.schema.table), table.number)
        if row is None or row[0] is None:
            return None
        text, accumulated, added, _ = cast("_Row", row)
        self._noted |= {(table.physical, field) for field in accumulated or ()}
        declaration = msgspec.json.decode(cast("str", text), type=Declaration)
        return Known(declaration, cast("str", text), frozenset(accumulated or ()), frozenset(added or ()))

    async def insert(self, table: Table) -> bool:
        """Say that this table is to be made; False where somebody has said so already."""
        place = str(table.schema.table), table.number
        return await self._session.compare_and_set(("insert_read_model", (*place, _text(table)))) is None

    async def update(self, table: Table, was: Known, added: Iterable[str]) -> None:
        """Remember what the table has become, unless somebody else has."""
        place = str(table.schema.table), table.number
        await self._session.compare_and_set(("update_read_model", (_text(table), set(added), *place, was.text)))

    async def forget(self, name: str, number: int) -> None:
        """There is no such table any more."""
        await self._session.compare_and_set(("delete_read_model", (name, number)))
        self._noted.clear()

    async def note_accumulated(self, table: Table, fields: Iterable[str]) -> None:
        """Before rows are written that have to be merged by these fields."""
        new = {(table.physical, field) for field in fields} - self._noted
        if new:
            place = str(table.schema.table), table.number
            await self._session.compare_and_set(("note_accumulated", ({field for _, field in new}, *place)))
            self._noted |= new

    def accumulated_here(self, table: Table) -> set[str]:
        """Such fields of a table, as far as this object knows of them."""
        return {field for name, field in self._noted if name == table.physical}

    async def indexed(self, name: str) -> frozenset[str]:
        """Fields of a read model that have an index in every table of it, beyond those of its class."""
        row = await self._session.row("find_indexed", name)
        self._indexed[name] = frozenset(cast("set[str] | None", row[0]) or ()) if row is not None else frozenset()
        return self._indexed[name]

    def indexed_here(self, name: str) -> frozenset[str]:
        """Those of them that this object has met."""
        return self._indexed.get(name, frozenset())

    async def note_indexed(self, name: str, orders: Sequence[tuple[Order, ...]]) -> None:
        """Orders that were asked for beside those of the class: an index helps to find by the first field of each."""
        asked = {order[0].field for order in orders}, set(map(order_text, orders))
        await self._session.write(("note_indexed", (*asked, name)))


def _text(table: Table) -> str:
    return msgspec.json.encode(declared(table.schema)).decode()

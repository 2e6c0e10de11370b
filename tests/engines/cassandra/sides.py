"""Sides: the read side by itself on a real Cassandra, and the sales that its tests write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, cast

from headwater.engines.cassandra.location import Location
from headwater.engines.cassandra.migrations import open_store
from headwater.engines.cassandra.read_model_schema import CassandraReadModelSchema
from headwater.engines.cassandra.read_models import CassandraReadModels
from headwater.engines.cassandra.rows.catalogue import Catalogue
from headwater.engines.cassandra.rows.read_model_tables import ReadModelTables
from headwater.engines.cassandra.rows.row_work import Placed
from headwater.engines.cassandra.rows.rows import Rows
from headwater.engines.cassandra.rows.served import nothing, only
from headwater.engines.cassandra.rows.table import OWN_COLUMNS, table_of
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.statements import Statements
from headwater.models.changes import Accumulate, Change
from headwater.models.criteria import Order
from headwater.models.criteria_parsing import parse_criteria
from headwater.models.fields import Scale
from headwater.models.model import Indexed, Key, ReadModel, Searchable
from headwater.models.selection import Selection
from headwater.ports.clock import SystemClock
from headwater.ports.engine import EngineOptions

LOG_TIME = 1_700_000_000_000_000


class Sale(ReadModel, table="rows_sale", orders=["-amount"]):
    id: Key[str]
    shop: Indexed[str | None] = None
    amount: Annotated[Decimal, Scale(2)] = Decimal(0)
    items: int = 0
    rank: Indexed[int] = 0
    """Nothing is ever added to it, so an index knows it."""
    open: Indexed[bool] = False
    title: Searchable[str] = ""


class Side:
    """The read side by itself."""

    def __init__(self, url: str) -> None:
        self.url = url
        location = Location.parse(url, {})
        self._cql = Statements(location.keyspace, "events", "commands")
        self._location = location
        self.session = session = Session(location, self._cql)
        self.catalogue = catalogue = Catalogue(session)
        self.tables = ReadModelTables(session, location.keyspace, catalogue)
        self.rows = Rows(session, self.tables, catalogue, only(0), SystemClock())
        self.schema = CassandraReadModelSchema(session, self.tables, catalogue, only(0))
        self.reads = self.reads_of(1_000_000)

    def reads_of(self, most: int) -> CassandraReadModels:
        return CassandraReadModels(self.session, self.catalogue, only(0), nothing, most)

    async def open(self) -> None:
        await open_store(self.session, self._cql, self._location, EngineOptions())

    async def page(
        self, *changes: tuple[int, Change], part: int = 0, replayed: bool = False, generation: int = 0
    ) -> None:
        placed = [
            Placed(change=change, offset=offset, log_time=LOG_TIME + offset, is_replayed=replayed)
            for offset, change in changes
        ]
        await self.rows.write(await self.rows.plan(placed, 0, part, generation))

    async def cells(self, key: str) -> list[dict[str, object]]:
        """A row as it is stored, and when it was written; without what lies in the cells of fields that are null."""
        fields, own = ("shop", "amount", "items", "open", "title"), [f'"{name}"' for name in OWN_COLUMNS]
        columns, table = ", ".join([*fields, *own]), f"{self.session.keyspace}.rm_rows_sale_0"
        found = await self.session.run(f"SELECT {columns}, WRITETIME(\"_live\") FROM {table} WHERE id = '{key}'")
        rows = [dict(zip((*fields, *OWN_COLUMNS, "written"), row, strict=True)) for row in found]
        for row in rows:
            for name in str(row["_nulls"]).split(",") if row["_live"] else fields:
                row.pop(name, None)
            row["_relative"] = cast("bytes", row["_relative"]).replace(key.encode(), b"the key")
        return rows

    async def ids(self, criteria: object = None, most: int = 1_000_000, order: tuple[Order, ...] = ()) -> list[str]:
        selection = Selection(criteria=parse_criteria(criteria), order=order)  # type: ignore[arg-type]
        return [sale.id for sale in await self.reads_of(most).find(Sale, selection)]


@asynccontextmanager
async def emptied_side(url: str) -> AsyncIterator[Side]:
    """With the table of sales, empty."""
    side = Side(url)
    await side.open()
    await side.rows.ensure([Sale], 0)
    table = table_of(side.session.keyspace, Sale, 0)
    for name in (table.name, table.words, *[order.name for order in await side.catalogue.orders.of(table)]):
        await side.session.run(f"TRUNCATE {name}")
    yield side
    await side.session.close()


def sold(key: str, amount: str, items: int = 1) -> Change:
    return Accumulate(Sale, key, Sale(id=key), add={"amount": Decimal(amount), "items": items})

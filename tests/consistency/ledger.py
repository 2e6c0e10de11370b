"""Projections of several shapes, for the checks of their rows."""

from __future__ import annotations

from headwater.domain.event import Recorded
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.models.model import Key, ReadModel
from headwater.projections.fold import Fold
from headwater.projections.handler import ProjectionHandler
from headwater.read_models.views import Views
from tests.projections.shop import StockView

__all__ = [
    "BySku",
    "Counted",
    "Folded",
    "Grand",
    "LastSale",
    "Many",
    "Shelf",
    "ShelfView",
    "Sku",
    "SkuView",
    "Sold",
    "SomeShelves",
    "Total",
]


class Sold(Event, name="LedgerSold"):
    sku: str
    units: int


class SkuView(ReadModel, table="ledger_skus"):
    sku: Key[str]
    units: int = 0


class ShelfView(ReadModel, table="ledger_shelves"):
    id: Key[str]
    units: int = 0


class Total(ReadModel, table="ledger_totals"):
    id: Key[str]
    units: int = 0


class BySku(ProjectionHandler, writes=[SkuView], key="sku", commutative=True):
    """Rows that join streams, by a declared key."""

    @on(Sold)
    async def sold(self, e: Recorded[Sold], views: Views) -> None:
        await views.add(SkuView, e.data.sku, units=e.data.units)


class Shelf(ProjectionHandler, writes=[ShelfView]):
    """Rows by the id of the stream."""

    @on(Sold)
    async def sold(self, e: Recorded[Sold], views: Views) -> None:
        id = e.stream.partition("-")[2]
        row = await views.get(ShelfView, id) or ShelfView(id=id)
        await views.upsert(ShelfView, id, units=row.units + e.data.units)


class Many(ProjectionHandler, writes=[ShelfView]):
    """Reads its own row among many, and the same one by criteria."""

    @on(Sold)
    async def sold(self, e: Recorded[Sold], views: Views) -> None:
        id = e.stream.partition("-")[2]
        found = (await views.get_many(ShelfView, [id])).get(id) or await views.find_one(ShelfView, id=id)
        await views.insert(ShelfView(id=id, units=e.data.units + (found.units if found else 0)))


class LastSale(ProjectionHandler, writes=[SkuView], key="sku"):
    """Rows that join streams, where the order of events counts."""

    @on(Sold)
    async def sold(self, e: Recorded[Sold], views: Views) -> None:
        await views.insert(SkuView(sku=e.data.sku, units=e.data.units))


class SomeShelves(Shelf, wants=lambda stored: stored.stream != "shelf-1"):
    """All but one."""


class Folded(Fold[ShelfView], category="shelf"):
    @on(Sold)
    def sold(self, row: ShelfView | None, e: Recorded[Sold]) -> ShelfView | None:
        return ShelfView(id=e.stream.partition("-")[2], units=e.data.units + (row.units if row else 0))


class Sku(Fold[SkuView], key="sku", partition_by="sku"):
    @on(Sold)
    def sold(self, row: SkuView | None, e: Recorded[Sold]) -> SkuView | None:
        return SkuView(sku=e.data.sku, units=e.data.units + (row.units if row else 0))


class Grand(ProjectionHandler, writes=[Total]):
    """One row of everything: no sample of keys makes it anew."""

    @on(Sold)
    async def sold(self, e: Recorded[Sold], views: Views) -> None:
        await views.add(Total, "all", units=e.data.units)


class Counted(ProjectionHandler, writes=[ShelfView]):
    """Rows by the id of the stream, of what another projection has written."""

    @on(Sold)
    async def sold(self, e: Recorded[Sold], views: Views) -> None:
        others = await views.count(StockView)
        await views.insert(ShelfView(id=e.stream.partition("-")[2], units=others))

"""Queries: the shop's questions, answered from its read models."""

from __future__ import annotations

from decimal import Decimal
from typing import cast

import msgspec

from headwater import Query, QueryHandler, Views
from headwater.demo.retail.read_models import CustomerValue, InvoiceMonth, InvoiceView, Stock

__all__ = ["GetInvoice", "MonthSales", "RunningLow", "SalesByMonth", "ShopQueries", "TopCustomers"]


class MonthSales(msgspec.Struct, frozen=True, kw_only=True):
    """One month of the shop."""

    month: str
    lines: int
    amount: Decimal
    invoices: int


class GetInvoice(Query[InvoiceView | None]):
    invoice: str


class TopCustomers(Query[list[CustomerValue]]):
    """Those who bought most."""

    limit: int = 10


class RunningLow(Query[list[Stock]]):
    """Stock codes of which most went out: reorder these."""

    limit: int = 10


class SalesByMonth(Query[list[MonthSales]]):
    """Every month that has sales, in order."""


class ShopQueries(QueryHandler):
    """Answers them."""

    async def get_invoice(self, invoice: str, views: Views) -> InvoiceView | None:
        return await views.find_one(InvoiceView, invoice=invoice)

    async def top_customers(self, limit: int, views: Views) -> list[CustomerValue]:
        return await views.find(CustomerValue, order_by="-amount", limit=limit)

    async def running_low(self, limit: int, views: Views) -> list[Stock]:
        return await views.find(Stock, order_by="-net_units", limit=limit)

    async def sales_by_month(self, views: Views) -> list[MonthSales]:
        sums: dict[str, object] = {
            "lines": {"$sum": "$lines"},
            "amount": {"$sum": "$amount"},
            "invoices": {"$count": {}},
        }
        rows = await views.aggregate(InvoiceMonth, [{"$group": {"_id": "$month"} | sums}, {"$sort": {"_id": 1}}])
        return [
            MonthSales(
                month=cast("str", row["_id"]),
                lines=cast("int", row["lines"]),
                amount=cast("Decimal", row["amount"]),
                invoices=cast("int", row["invoices"]),
            )
            for row in rows
        ]

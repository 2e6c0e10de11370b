"""Figures: every number the read models and the stored events can give, named and shaped as the truth has them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from headwater import CQRSManager, field
from headwater.demo.retail.events import LineEvent
from headwater.demo.retail.queries import SalesByMonth, TopCustomers
from headwater.demo.retail.read_models import CountrySales, CustomerValue, InvoiceView, Stock, TypeTotal
from headwater.demo.retail.sequence import Resequencer, SequenceFold

__all__ = ["figures"]

QUARTERS: Final = (1, 2, 3, 4)


async def figures(cqrs: CQRSManager) -> dict[str, object]:
    """All of them; the projections must have caught up."""
    totals = await cqrs.read_models.find(TypeTotal, order_by="-lines")
    found: dict[str, object] = _of_totals(totals)
    found |= await _of_streams(cqrs)
    found |= await _of_sales(cqrs)
    found |= await _of_stock(cqrs)
    found["invoices_with_more_than_one_timestamp"] = await _spread_invoices(cqrs)
    found |= await _of_sequence(cqrs, sum(total.lines for total in totals))
    return found


def _of_totals(totals: list[TypeTotal]) -> dict[str, object]:
    return {
        "events": sum(total.lines for total in totals),
        "events_without_customer": sum(total.without_customer for total in totals),
        "events_per_type": {total.type: total.lines for total in totals},
        "sum_quantity": sum(total.quantity for total in totals),
        "sum_amount": str(sum((total.amount for total in totals), Decimal("0.000"))),
        "amount_per_type": {total.type: str(total.amount) for total in sorted(totals, key=lambda t: t.type)},
    }


async def _of_streams(cqrs: CQRSManager) -> dict[str, object]:
    views = cqrs.read_models
    invoices = await views.find(InvoiceView, order_by="-lines", limit=10)
    stock = await views.find(Stock, order_by="-lines", limit=10)
    customers = await views.find(CustomerValue, order_by="-lines", limit=10)
    return {
        "streams_invoice": await views.count(InvoiceView),
        "streams_stock_code": await views.count(Stock),
        "streams_customer": await views.count(CustomerValue),
        "longest_invoice_streams": [[row.invoice, row.lines] for row in invoices],
        "longest_stock_streams": [[row.stock_code, row.lines] for row in stock],
        "longest_customer_streams": [[row.customer, row.lines] for row in customers],
    }


async def _of_sales(cqrs: CQRSManager) -> dict[str, object]:
    months = await cqrs.queries.execute(SalesByMonth())
    countries = await cqrs.read_models.find(CountrySales, order_by="-lines")
    customers = await cqrs.queries.execute(TopCustomers(limit=10))
    invoices = await cqrs.read_models.find(InvoiceView, order_by="-amount", limit=10)
    return {
        "per_month": {m.month: {"lines": m.lines, "amount": str(m.amount), "invoices": m.invoices} for m in months},
        "per_country": {row.country: [row.lines, str(row.amount)] for row in countries},
        "top10_customers_by_amount": [[row.customer, str(row.amount)] for row in customers],
        "customers_with_negative_balance": await cqrs.read_models.count(CustomerValue, field("amount") < Decimal(0)),
        "top10_invoices_by_amount": [[row.invoice, str(row.amount)] for row in invoices],
    }


async def _of_stock(cqrs: CQRSManager) -> dict[str, object]:
    top = await cqrs.read_models.find(Stock, order_by="-net_units", limit=10)
    return {
        "top10_net_units_by_stock_code": [[row.stock_code, row.net_units] for row in top],
        "stock_codes_net_units_below_zero": await cqrs.read_models.count(Stock, field("net_units") < 0),
    }


async def _spread_invoices(cqrs: CQRSManager) -> int:
    """Invoices whose lines do not all have one time."""
    cursor, spread = None, 0
    while True:
        page = await cqrs.read_models.page(InvoiceView, size=5_000, cursor=cursor)
        spread += sum(row.first_at != row.last_at for row in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return spread


async def _of_sequence(cqrs: CQRSManager, events: int) -> dict[str, object]:
    fold = SequenceFold(events * quarter // 4 for quarter in QUARTERS)
    in_line = Resequencer()
    async for recorded in cqrs.read_log(category="invoice"):
        if isinstance(recorded.data, LineEvent):
            for event in in_line.push(recorded.data):
                fold.see(event)
    for event in in_line.rest():
        fold.see(event)
    return fold.figures()

"""Projections: one line after the other into the read models."""

from __future__ import annotations

from typing import TypeAlias

from headwater import ProjectionHandler, Recorded, Views
from headwater.demo.retail.events import BadDebtAdjusted, LineCancelled, LineSold, StockWrittenOff
from headwater.demo.retail.read_models import CountrySales, CustomerValue, InvoiceMonth, InvoiceView, Stock, TypeTotal

__all__ = ["PROJECTIONS", "Customers", "Invoices", "Sales", "StockLevels"]

Line: TypeAlias = LineSold | LineCancelled | StockWrittenOff | BadDebtAdjusted


class StockLevels(ProjectionHandler, writes=[Stock]):
    """Net units of each stock code."""

    async def handle(self, event: Recorded[Line], views: Views) -> None:
        line = event.data
        await views.add(Stock, line.stock_code, net_units=line.quantity, lines=1)


class Customers(ProjectionHandler, writes=[CustomerValue]):
    """What each customer is worth; lines without a customer are passed by."""

    async def handle(self, event: Recorded[Line], views: Views) -> None:
        line = event.data
        if line.customer is not None:
            await views.add(CustomerValue, line.customer, amount=line.amount, lines=1)


class Sales(ProjectionHandler, writes=[InvoiceMonth, CountrySales, TypeTotal]):
    """Totals by month, by country, by type of event."""

    async def handle(self, event: Recorded[Line], views: Views) -> None:
        line = event.data
        amount, month = line.amount, line.month
        part = f"{month} {line.invoice}"
        await views.max(InvoiceMonth, part, month=month)
        await views.add(InvoiceMonth, part, lines=1, amount=amount)
        await views.add(CountrySales, line.country, lines=1, amount=amount)
        missing = int(line.customer is None)
        await views.add(TypeTotal, event.type, lines=1, quantity=line.quantity, amount=amount, without_customer=missing)


class Invoices(ProjectionHandler, writes=[InvoiceView]):
    """Each invoice as a whole. What all its lines have in common is a bound that the first one reaches."""

    async def handle(self, event: Recorded[Line], views: Views) -> None:
        line = event.data
        common = {"kind": event.type, "country": line.country} | ({"customer": line.customer} if line.customer else {})
        await views.min(InvoiceView, line.invoice, first_at=line.invoice_date)
        await views.max(InvoiceView, line.invoice, last_at=line.invoice_date, **common)
        await views.add(InvoiceView, line.invoice, lines=1, units=line.quantity, amount=line.amount)


PROJECTIONS = (StockLevels, Customers, Sales, Invoices)

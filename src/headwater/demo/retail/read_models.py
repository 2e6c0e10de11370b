"""Read models: what the shop looks at. All are sums and bounds, so the order of invoices does not matter."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from headwater import Indexed, Key, ReadModel, Scale

__all__ = ["CountrySales", "CustomerValue", "InvoiceMonth", "InvoiceView", "Money", "Stock", "TypeTotal"]

Money = Annotated[Decimal, Scale(3)]
"""Three digits: some unit prices have them."""


class Stock(ReadModel, table="retail_stock"):
    """One stock code. What is on hand starts at 0 and falls by what is sold, so it is minus the net units."""

    stock_code: Key[str]
    net_units: Indexed[int] = 0
    """Sold, less what came back or was counted out."""
    lines: Indexed[int] = 0


class CustomerValue(ReadModel, table="retail_customer_value"):
    """What a customer bought, less what came back."""

    customer: Key[str]
    amount: Indexed[Money] = Decimal(0)
    lines: Indexed[int] = 0


class InvoiceView(ReadModel, table="retail_invoice"):
    """One invoice as a whole."""

    invoice: Key[str]
    kind: str = ""
    customer: Indexed[str | None] = None
    country: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    lines: Indexed[int] = 0
    units: int = 0
    amount: Indexed[Money] = Decimal(0)


class InvoiceMonth(ReadModel, table="retail_invoice_month"):
    """The part of an invoice that falls into one month: grouped by month it gives lines, amount and invoices."""

    id: Key[str]
    """Month and invoice, `2010-12 536365`."""
    month: Indexed[str] = ""
    lines: int = 0
    amount: Money = Decimal(0)


class CountrySales(ReadModel, table="retail_country"):
    """What was sold into a country."""

    country: Key[str]
    lines: Indexed[int] = 0
    amount: Money = Decimal(0)


class TypeTotal(ReadModel, table="retail_type_total"):
    """All events of one type."""

    type: Key[str]
    lines: Indexed[int] = 0
    quantity: int = 0
    amount: Money = Decimal(0)
    without_customer: int = 0

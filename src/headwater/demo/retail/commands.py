"""Commands: what the shop's clerks ask for, one invoice line at a time."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from headwater.demo.numbered import NumberedCommand

__all__ = ["AdjustDebt", "CancelLine", "LineCommand", "PlaceLine", "WriteOffStock"]


class LineCommand(NumberedCommand):
    """One line of an invoice; the result is how many lines the invoice has then."""

    invoice: str
    stock_code: str
    description: str
    quantity: int
    invoice_date: datetime
    unit_price: Decimal
    customer_id: str | None
    country: str

    @property
    def lane(self) -> str:
        return self.invoice


class PlaceLine(LineCommand):
    """Sell something."""


class CancelLine(LineCommand):
    """Take something back."""


class WriteOffStock(LineCommand):
    """Count out what is broken or lost."""


class AdjustDebt(LineCommand):
    """Book a bad debt."""

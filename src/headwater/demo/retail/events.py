"""Events: one for each line of an invoice, found again by stock code, by customer, and by its place in the input."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from headwater import Event

__all__ = ["BadDebtAdjusted", "LineCancelled", "LineEvent", "LineSold", "StockWrittenOff"]


class LineEvent(Event):
    """What every line says."""

    invoice: str
    line: int
    stock_code: str
    description: str
    quantity: int
    """Negative for what comes back or is counted out."""
    invoice_date: datetime
    unit_price: Decimal
    customer: str | None
    country: str

    @property
    def amount(self) -> Decimal:
        """What the line is worth; negative for what comes back."""
        return self.quantity * self.unit_price

    @property
    def month(self) -> str:
        """The month of the sale, `2010-12`."""
        return f"{self.invoice_date.year:04}-{self.invoice_date.month:02}"


class LineSold(LineEvent):
    """Goods left the shop."""


class LineCancelled(LineEvent):
    """Goods came back."""


class StockWrittenOff(LineEvent):
    """Goods were counted out without a sale."""


class BadDebtAdjusted(LineEvent):
    """A debt was booked; no goods moved, whatever the quantity says."""

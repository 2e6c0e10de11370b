"""Lines: rows of text, as the data set has them, turned into commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import Final

from headwater.demo.retail.commands import AdjustDebt, CancelLine, LineCommand, PlaceLine, WriteOffStock
from headwater.errors import InvalidInput

__all__ = ["COLUMNS", "commands_of"]

COLUMNS: Final = (
    "position",
    "invoice",
    "stock_code",
    "description",
    "quantity",
    "invoice_date",
    "unit_price",
    "customer_id",
    "country",
)


def commands_of(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[LineCommand]:
    """One command for each row, in order. Raises InvalidInput for a missing column or a row that cannot be read."""
    pick = _picker(header)
    for number, row in enumerate(rows, 1):
        try:
            yield _command(*pick(row))
        except (ValueError, TypeError, IndexError, InvalidOperation) as error:
            raise InvalidInput(f"row {number} cannot be read ({error!r}): {ascii(list(row))[:120]}") from error


def _picker(header: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise InvalidInput(f"the data has no column {', '.join(missing)}: its first row must name {', '.join(COLUMNS)}")
    return itemgetter(*[header.index(name) for name in COLUMNS])


def _command(
    position: str,
    invoice: str,
    stock_code: str,
    description: str,
    quantity: str,
    invoice_date: str,
    unit_price: str,
    customer_id: str,
    country: str,
) -> LineCommand:
    units = int(quantity)
    return _kind(invoice, units)(
        invoice=invoice,
        line=int(position),
        stock_code=stock_code,
        description=description,
        quantity=units,
        invoice_date=datetime.fromisoformat(invoice_date),
        unit_price=Decimal(unit_price),
        customer_id=customer_id or None,
        country=country,
    )


def _kind(invoice: str, quantity: int) -> type[LineCommand]:
    """The data set marks cancellations with C and adjustments with A; a write-off has only its sign."""
    if invoice.startswith("C"):
        return CancelLine
    if invoice.startswith("A"):
        return AdjustDebt
    return WriteOffStock if quantity < 0 else PlaceLine

"""Generated rows as the tests want them."""

from __future__ import annotations

from itertools import islice

from headwater.demo.retail.commands import LineCommand
from headwater.demo.retail.generator import generated_rows
from headwater.demo.retail.lines import COLUMNS, commands_of


def generated(lines: int) -> list[dict[str, str]]:
    """The first so many generated rows, by column."""
    return [dict(zip(COLUMNS, row, strict=True)) for row in islice(generated_rows(), lines)]


def place(line: int = 1, **fields: str) -> LineCommand:
    """A sale of six lanterns, but for the columns given; what they make of it says which command it is."""
    row = {
        "position": str(line),
        "invoice": "536365",
        "stock_code": "71053",
        "description": "LANTERN",
        "quantity": "6",
        "invoice_date": "2010-12-01T08:26:00Z",
        "unit_price": "3.39",
        "customer_id": "17850",
        "country": "United Kingdom",
        **fields,
    }
    (command,) = commands_of(COLUMNS, [[row[column] for column in COLUMNS]])
    return command

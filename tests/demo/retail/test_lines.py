"""Rows of text into commands."""

from __future__ import annotations

from decimal import Decimal

import pytest

from headwater.demo.retail.lines import COLUMNS, commands_of
from headwater.errors import InvalidInput
from tests.demo.retail.rows import generated

ROW = ["1", "536365", "71053", "LANTERN", "6", "2010-12-01T08:26:00Z", "3.39", "17850", "France"]


@pytest.mark.parametrize(
    ("invoice", "quantity", "kind"),
    [
        ("536365", "6", "PlaceLine"),
        ("536365", "-6", "WriteOffStock"),
        ("C536365", "-6", "CancelLine"),
        ("A536365", "1", "AdjustDebt"),
    ],
)
def test_the_invoice_and_the_sign_say_which_command(invoice: str, quantity: str, kind: str) -> None:
    (command,) = commands_of(COLUMNS, [[*ROW[:1], invoice, *ROW[2:4], quantity, *ROW[5:]]])
    assert type(command).__name__ == kind


def test_a_price_keeps_its_digits_and_no_customer_is_none() -> None:
    (command,) = commands_of(COLUMNS, [[*ROW[:6], "0.0", "", ROW[8]]])
    assert str(command.unit_price) == "0.0"
    assert command.customer_id is None
    assert command.unit_price == Decimal(0)


def test_columns_may_come_in_any_order() -> None:
    (command,) = commands_of([*COLUMNS[::-1]], [ROW[::-1]])
    assert (command.line, command.country) == (1, "France")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InvalidInput, match="no column country"):
        list(commands_of(COLUMNS[:-1], [ROW]))


@pytest.mark.parametrize("row", [ROW[:5], [*ROW[:4], "six", *ROW[5:]], [*ROW[:6], "cheap", *ROW[7:]], []])
def test_a_row_that_cannot_be_read_is_named(row: list[str]) -> None:
    with pytest.raises(InvalidInput, match="row 2"):
        list(commands_of(COLUMNS, [ROW, row]))


def test_generated_rows_are_a_prefix_of_more_of_them() -> None:
    assert generated(500) == generated(2_000)[:500]
    assert [row["position"] for row in generated(3)] == ["1", "2", "3"]


def test_generated_rows_have_every_kind() -> None:
    rows = [list(row.values()) for row in generated(60_000)]
    kinds = {type(command).__name__ for command in commands_of(COLUMNS, rows)}
    assert kinds == {"PlaceLine", "CancelLine", "WriteOffStock", "AdjustDebt"}

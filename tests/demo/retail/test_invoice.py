"""What an invoice refuses, through the command bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest

from headwater import CQRSManager, DomainError
from headwater.demo.retail.commands import AdjustDebt, CancelLine, LineCommand, PlaceLine, WriteOffStock
from headwater.demo.retail.events import LineSold
from headwater.demo.retail.invoice import (
    Invoice,
    QuantityNotNegative,
    QuantityNotPositive,
    SecondCountry,
    SecondCustomer,
    SecondKind,
)
from headwater.demo.retail.shop import shop
from tests.demo.retail.rows import place


@pytest.fixture
async def cqrs() -> AsyncIterator[CQRSManager]:
    async with shop("memory://", run_projections=False) as opened:
        yield opened


def as_command(kind: type[LineCommand], command: LineCommand, **fields: object) -> LineCommand:
    return msgspec.convert(msgspec.structs.asdict(command) | fields, kind)


async def test_a_line_becomes_one_event_with_what_it_says(cqrs: CQRSManager) -> None:
    receipt = await cqrs.commands.execute(place(line=7))
    assert receipt.result == 1
    (event,) = receipt.events
    assert isinstance(event, LineSold)
    assert (event.line, event.stock_code, event.customer, event.amount) == (7, "71053", "17850", Decimal("20.34"))
    assert event.month == "2010-12"


async def test_an_invoice_counts_its_lines_and_remembers_no_more_than_it_must(cqrs: CQRSManager) -> None:
    for line in (1, 2, 3):
        receipt = await cqrs.commands.execute(place(line=line))
    assert receipt.result == 3
    invoice = await cqrs.repository(Invoice).load("536365")
    assert (invoice.kind, invoice.customer, invoice.country) == ("LineSold", "17850", "United Kingdom")


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (place(line=2, customer_id="13047"), SecondCustomer),
        (place(line=2, customer_id=""), SecondCustomer),
        (place(line=2, country="France"), SecondCountry),
        (as_command(AdjustDebt, place(line=2)), SecondKind),
        (as_command(CancelLine, place(line=2), quantity=-6), SecondKind),
        (as_command(WriteOffStock, place(line=2), quantity=-6), SecondKind),
        (as_command(PlaceLine, place(line=2), quantity=0), QuantityNotPositive),
        (as_command(PlaceLine, place(line=2), quantity=-1), QuantityNotPositive),
    ],
)
async def test_a_line_that_does_not_belong_is_refused(
    cqrs: CQRSManager, second: LineCommand, error: type[DomainError]
) -> None:
    await cqrs.commands.execute(place(line=1))
    with pytest.raises(error):
        await cqrs.commands.execute(second)
    assert await cqrs.engine.log.head(0) == 1


@pytest.mark.parametrize("kind", [CancelLine, WriteOffStock])
@pytest.mark.parametrize("quantity", [0, 1])
async def test_what_comes_back_is_negative(cqrs: CQRSManager, kind: type[LineCommand], quantity: int) -> None:
    with pytest.raises(QuantityNotNegative):
        await cqrs.commands.execute(as_command(kind, place(), quantity=quantity))
    receipt = await cqrs.commands.execute(as_command(kind, place(), quantity=-1))
    assert receipt.result == 1


async def test_a_line_sent_again_is_answered_from_the_record(cqrs: CQRSManager) -> None:
    first = await cqrs.commands.execute(place(), command_id="one")
    again = await cqrs.commands.execute(place(), command_id="one")
    assert again.replayed
    assert (again.result, again.events) == (first.result, first.events)
    assert await cqrs.engine.log.head(0) == 1

"""retail_lines: lines of the retail data as events, appended as they come, and what each invoice then amounts to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby

import msgspec

from headwater import AnyVersion, CQRSManager, StreamId
from headwater.demo.retail.commands import AdjustDebt, CancelLine, LineCommand, PlaceLine, WriteOffStock
from headwater.demo.retail.data import find_source
from headwater.demo.retail.events import BadDebtAdjusted, LineCancelled, LineEvent, LineSold, StockWrittenOff
from headwater.domain.append import Append, Write
from headwater.domain.event import NewEvent
from headwater.handling.ids import uuid7

__all__ = ["Truth", "append_lines", "read_lines", "truth_of"]

KINDS: dict[type[LineCommand], type[LineEvent]] = {
    PlaceLine: LineSold,
    CancelLine: LineCancelled,
    WriteOffStock: StockWrittenOff,
    AdjustDebt: BadDebtAdjusted,
}
_AT_ONCE = 200
"""Appends under way."""


class Truth(msgspec.Struct, frozen=True):
    """What an invoice's row must say."""

    lines: int
    amount: Decimal


def read_lines(limit: int) -> list[LineEvent]:
    """The first lines of $HEADWATER_DATA's file, or as many generated ones."""
    with find_source(None, limit).commands() as commands:
        return [_event(command) for command in commands]


async def append_lines(cqrs: CQRSManager, lines: Sequence[LineEvent]) -> None:
    """Lines of one invoice that follow each other go into one append."""
    cqrs.registry.register(*KINDS.values())
    appends = [_append(cqrs, invoice, [*run]) for invoice, run in groupby(lines, lambda line: line.invoice)]
    for start in range(0, len(appends), _AT_ONCE):
        await asyncio.gather(*map(cqrs.engine.events.append, appends[start : start + _AT_ONCE]))


def truth_of(lines: Sequence[LineEvent]) -> dict[str, Truth]:
    """By invoice."""
    truth: dict[str, Truth] = {}
    for line in lines:
        before = truth.get(line.invoice, Truth(0, Decimal(0)))
        truth[line.invoice] = Truth(before.lines + 1, before.amount + line.amount)
    return truth


def _append(cqrs: CQRSManager, invoice: str, lines: Sequence[LineEvent]) -> Append:
    events = tuple([NewEvent(uuid7(), *cqrs.registry.encode(line)) for line in lines])
    return Append(writes=(Write(stream=StreamId("invoice", invoice), expected=AnyVersion(), events=events),))


def _event(command: LineCommand) -> LineEvent:
    return KINDS[type(command)](
        invoice=command.invoice,
        line=command.line,
        stock_code=command.stock_code,
        description=command.description,
        quantity=command.quantity,
        invoice_date=command.invoice_date,
        unit_price=command.unit_price,
        customer=command.customer_id,
        country=command.country,
    )

"""Handlers: load the invoice, add the line, save."""

from __future__ import annotations

from typing import TypeVar

from headwater import Repository, handles
from headwater.demo.retail.commands import AdjustDebt, CancelLine, LineCommand, PlaceLine, WriteOffStock
from headwater.demo.retail.events import BadDebtAdjusted, LineCancelled, LineEvent, LineSold, StockWrittenOff
from headwater.demo.retail.invoice import Invoice

__all__ = ["HANDLERS", "adjust_debt", "cancel_line", "place_line", "write_off_stock"]

E = TypeVar("E", bound=LineEvent)


@handles(PlaceLine)
async def place_line(command: PlaceLine, invoices: Repository[Invoice]) -> int:
    invoice = await _invoice(command, invoices)
    invoice.sell(_event(LineSold, command))
    return await _save(invoice, invoices)


@handles(CancelLine)
async def cancel_line(command: CancelLine, invoices: Repository[Invoice]) -> int:
    invoice = await _invoice(command, invoices)
    invoice.cancel(_event(LineCancelled, command))
    return await _save(invoice, invoices)


@handles(WriteOffStock)
async def write_off_stock(command: WriteOffStock, invoices: Repository[Invoice]) -> int:
    invoice = await _invoice(command, invoices)
    invoice.write_off(_event(StockWrittenOff, command))
    return await _save(invoice, invoices)


@handles(AdjustDebt)
async def adjust_debt(command: AdjustDebt, invoices: Repository[Invoice]) -> int:
    invoice = await _invoice(command, invoices)
    invoice.adjust_debt(_event(BadDebtAdjusted, command))
    return await _save(invoice, invoices)


HANDLERS = (place_line, cancel_line, write_off_stock, adjust_debt)


async def _invoice(command: LineCommand, invoices: Repository[Invoice]) -> Invoice:
    return await invoices.get_by_id(command.invoice) or Invoice(command.invoice)


async def _save(invoice: Invoice, invoices: Repository[Invoice]) -> int:
    await invoices.save(invoice)
    return invoice.version


def _event(kind: type[E], command: LineCommand) -> E:
    return kind(
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

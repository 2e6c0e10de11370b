"""Invoice: the aggregate, and what it refuses."""

from __future__ import annotations

from headwater import Aggregate, DomainError, on
from headwater.demo.retail.events import BadDebtAdjusted, LineCancelled, LineEvent, LineSold, StockWrittenOff

__all__ = ["Invoice", "QuantityNotNegative", "QuantityNotPositive", "SecondCountry", "SecondCustomer", "SecondKind"]


class SecondCustomer(DomainError):
    """An invoice has one customer, or none."""


class SecondCountry(DomainError):
    """An invoice has one country."""


class SecondKind(DomainError):
    """An invoice sells, cancels, writes off or adjusts; never two of these."""


class QuantityNotPositive(DomainError):
    """A sold quantity is positive."""


class QuantityNotNegative(DomainError):
    """A cancelled or written-off quantity is negative."""


class Invoice(Aggregate, category="invoice", snapshot_every=32):
    """What must hold for all lines of an invoice; the lines themselves stay in the log."""

    kind: str = ""
    customer: str | None = None
    country: str = ""

    def sell(self, line: LineSold) -> None:
        if line.quantity <= 0:
            raise QuantityNotPositive(f"line {line.line} sells {line.quantity}: cancel it with CancelLine instead")
        self._add(line)

    def cancel(self, line: LineCancelled) -> None:
        self._take_back(line)

    def write_off(self, line: StockWrittenOff) -> None:
        self._take_back(line)

    def adjust_debt(self, line: BadDebtAdjusted) -> None:
        self._add(line)

    @on(LineSold)
    def sold(self, line: LineSold) -> None:
        self._remember(line)

    @on(LineCancelled)
    def cancelled(self, line: LineCancelled) -> None:
        self._remember(line)

    @on(StockWrittenOff)
    def written_off(self, line: StockWrittenOff) -> None:
        self._remember(line)

    @on(BadDebtAdjusted)
    def debt_adjusted(self, line: BadDebtAdjusted) -> None:
        self._remember(line)

    def _take_back(self, line: LineEvent) -> None:
        if line.quantity >= 0:
            raise QuantityNotNegative(f"line {line.line} takes back {line.quantity}: give -1, -2, ...")
        self._add(line)

    def _add(self, line: LineEvent) -> None:
        if self.version:
            self._check(line)
        self.emit(line)

    def _check(self, line: LineEvent) -> None:
        kind = type(line).__name__
        if kind != self.kind:
            raise SecondKind(f"invoice {self.id} holds {self.kind}, line {line.line} is {kind}: use another invoice")
        if line.customer != self.customer:
            raise SecondCustomer(f"invoice {self.id} is of {self.customer}, line {line.line} of {line.customer}")
        if line.country != self.country:
            raise SecondCountry(f"invoice {self.id} is for {self.country}, line {line.line} for {line.country}")

    def _remember(self, line: LineEvent) -> None:
        if not self.kind:
            self.kind = type(line).__name__
            self.customer = line.customer
            self.country = line.country

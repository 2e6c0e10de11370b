"""Columns: how the columns of a statement are called, and what the values they are compared with become.

A table's columns are native: an index serves what is compared with them. In a pipeline that has made others of them
columns hold scalars.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import msgspec

from headwater.engines.postgres.bindings import Bindings
from headwater.engines.postgres.natives import is_plain_list, native_of, scalar_type, sent
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.ordering import BoundOrder

__all__ = ["Columns", "NativeColumns", "ScalarColumns", "direction"]


class Columns(ABC):
    """The columns of one level of a statement."""

    @abstractmethod
    def name(self, field: Field) -> str:
        """As it stands in the statement."""

    @abstractmethod
    def scalar(self, field: Field) -> str:
        """SQL of its scalar."""

    @abstractmethod
    def one(self, field: Field, scalar: Scalar, bindings: Bindings) -> str:
        """SQL of a value to compare it with."""

    @abstractmethod
    def any(self, field: Field, scalars: Sequence[Scalar], bindings: Bindings) -> str:
        """SQL of an array of values to look for it in."""

    @abstractmethod
    def items(self, field: Field) -> str:
        """SQL of a list as `jsonb`."""

    @abstractmethod
    def order(self, order: BoundOrder) -> str:
        """A term of an ORDER BY: null is smallest."""

    def item(self, field: Field, scalar: Scalar, bindings: Bindings) -> str:
        """SQL of what a list may hold, as `jsonb`."""
        is_truth = field.kind is Kind.JSON and field.items is not None and field.items.kind is Kind.BOOLEAN
        return bindings.mark(msgspec.json.encode(bool(scalar) if is_truth else scalar).decode(), "jsonb")


class NativeColumns(Columns):
    """Those of a table of a read model, called `r`."""

    def name(self, field: Field) -> str:
        return f'r."{field.name}"'

    def scalar(self, field: Field) -> str:
        return native_of(field).scalar.format(self.name(field))

    def one(self, field: Field, scalar: Scalar, bindings: Bindings) -> str:
        native = native_of(field)
        (value,) = sent(field, [scalar])
        return native.received.format(bindings.mark(value, native.sent))

    def any(self, field: Field, scalars: Sequence[Scalar], bindings: Bindings) -> str:
        native = native_of(field)
        mark = bindings.mark(sent(field, scalars), f"{native.sent}[]")
        return (
            mark if native.received == "{}" else f"ARRAY(SELECT {native.received.format('v')} FROM unnest({mark}) AS v)"
        )

    def items(self, field: Field) -> str:
        return self.name(field) + ("" if is_plain_list(field) else "::jsonb")

    def order(self, order: BoundOrder) -> str:
        """As the indexes have it: a field that is never null says nothing of nulls."""
        return self.name(order.field) + direction(order.descending, order.field.optional)


class ScalarColumns(Columns):
    """Those of a subquery called `r`, under names of their own."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def name(self, field: Field) -> str:
        return f"r.{self._names[field.name]}"

    def scalar(self, field: Field) -> str:
        return self.name(field)

    def one(self, field: Field, scalar: Scalar, bindings: Bindings) -> str:
        return bindings.mark(scalar, scalar_type(field.kind))

    def any(self, field: Field, scalars: Sequence[Scalar], bindings: Bindings) -> str:
        return bindings.mark(scalars, f"{scalar_type(field.kind)}[]")

    def items(self, field: Field) -> str:
        return f"{self.name(field)}::jsonb"

    def order(self, order: BoundOrder) -> str:
        return self.name(order.field) + direction(order.descending)


def direction(descending: bool, optional: bool = True) -> str:
    """How a term of an ORDER BY, or of an index, ends."""
    nulls = (" NULLS LAST" if descending else " NULLS FIRST") if optional else ""
    return (" DESC" if descending else "") + nulls

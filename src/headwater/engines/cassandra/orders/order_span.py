"""Spans: between which ranks of an order the rows lie that criteria mean. A span may hold more than these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from headwater.engines.cassandra.orders.order_rank import behind, behind_nulls, nulls_from, part_of
from headwater.models.binding import AllOf, AnyOf, BoundCriteria, Comparison, IsNull, Negation, OneOf
from headwater.models.evaluate import matcher
from headwater.models.fields import Field, Scalar
from headwater.models.ordering import BoundOrder

__all__ = ["Span", "equals", "span_of"]


class Span(NamedTuple):
    low: bytes
    """The first rank that may be in it."""
    high: bytes
    """Behind the last."""


def equals(criteria: BoundCriteria) -> Mapping[str, Scalar]:
    """The fields that have one scalar in every row that is meant."""
    found: dict[str, Scalar] = {}
    for each in _conjuncts(criteria):
        match each:
            case Comparison(field, "==", scalar):
                found[field.name] = scalar
            case IsNull(field):
                found[field.name] = None
            case _:
                pass
    return found


def span_of(criteria: BoundCriteria, orders: Sequence[BoundOrder]) -> Span | None:
    """None where no row can be meant."""
    return _span(criteria, orders, b"", {})


def _span(
    criteria: BoundCriteria, orders: Sequence[BoundOrder], start: bytes, known: Mapping[str, Scalar]
) -> Span | None:
    """Among the ranks that begin so, where the fields before `orders` are known."""
    if isinstance(criteria, AllOf):
        return _of_all(criteria, orders, start, known)
    if isinstance(criteria, AnyOf):
        return _hull([_span(part, orders, start, known) for part in criteria.parts])
    if isinstance(criteria, OneOf):
        each = [Comparison(criteria.field, "==", scalar) for scalar in criteria.scalars]
        return _hull([_span(one, orders, start, known) for one in each])
    field = _field_of(criteria)
    if field is not None and field.name in known:
        holds = matcher(criteria, {field.name: field})((known[field.name],))
        return Span(start, behind(start)) if holds else None
    return _of_one(criteria, orders[0], start) if orders else Span(start, behind(start))


def _of_all(criteria: AllOf, orders: Sequence[BoundOrder], start: bytes, known: Mapping[str, Scalar]) -> Span | None:
    equal = equals(criteria)
    while orders and orders[0].field.name in equal:
        name = orders[0].field.name
        start, known = start + part_of(orders[0], equal[name]), {**known, name: equal[name]}
        orders = orders[1:]
    common: Span | None = Span(start, behind(start))
    for part in _conjuncts(criteria):
        common = _common(common, _span(part, orders, start, known))
    return common


def _of_one(criteria: BoundCriteria, order: BoundOrder, start: bytes) -> Span:
    """One condition of the first field that is not known."""
    low, high = start, behind(start)
    first_value, last_value = behind_nulls(order, start), nulls_from(order, start)
    match criteria:
        case Comparison(field, sign, scalar) if field.name == order.field.name:
            at = start + part_of(order, scalar)
            if sign == "==":
                return Span(at, behind(at))
            is_above = (sign in {">", ">="}) != order.descending
            if is_above:
                return Span(at if "=" in sign else behind(at), last_value)
            return Span(first_value, behind(at) if "=" in sign else at)
        case IsNull(field) if field.name == order.field.name:
            at = start + part_of(order, None)
            return Span(at, behind(at))
        case Negation(IsNull(field)) if field.name == order.field.name:
            return Span(first_value, last_value)
        case _:
            return Span(low, high)


def _field_of(criteria: BoundCriteria) -> Field | None:
    """Of a condition of one field, or the opposite of one."""
    if isinstance(criteria, Negation):
        return _field_of(criteria.part)
    field = getattr(criteria, "field", None)
    return field if isinstance(field, Field) else None


def _conjuncts(criteria: BoundCriteria) -> Iterable[BoundCriteria]:
    if isinstance(criteria, AllOf):
        return [inner for part in criteria.parts for inner in _conjuncts(part)]
    return [criteria]


def _common(one: Span | None, other: Span | None) -> Span | None:
    if one is None or other is None:
        return None
    low, high = max(one.low, other.low), min(one.high, other.high)
    return Span(low, high) if low < high else None


def _hull(spans: Iterable[Span | None]) -> Span | None:
    there = [span for span in spans if span is not None]
    return Span(min(there)[0], max([span.high for span in there])) if there else None

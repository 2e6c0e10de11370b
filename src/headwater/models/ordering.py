"""Orders and limits: how many rows, in which sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from headwater.errors import InvalidCriteria, LimitExceeded
from headwater.models.binding import column
from headwater.models.criteria import Order
from headwater.models.fields import Field, Kind
from headwater.models.shown import shown

__all__ = ["BoundOrder", "OrderLike", "bind_orders", "check_rows", "parse_order"]

OrderLike: TypeAlias = str | Order | tuple[str, str] | Mapping[str, int] | Sequence[str | Order | tuple[str, str]]
"""`"name"`, `"-created_at"`, `("name", "desc")`, `Order("name")`, `{"name": -1}`, or a list of these."""

_INT64_MAX: Final = 2**63 - 1
_DESCENDING: Final[dict[object, bool]] = {"asc": False, "desc": True, 1: False, -1: True}


class BoundOrder(msgspec.Struct, frozen=True):
    """Sort by a column; null is smaller than every value."""

    field: Field
    descending: bool


def parse_order(order: OrderLike) -> tuple[Order, ...]:
    """Orders from any form; raises InvalidCriteria for another."""
    if isinstance(order, Mapping):
        return tuple([_directed(name, direction) for name, direction in order.items()])
    if isinstance(order, str | Order) or _is_pair(order):
        return (_parse(order),)
    if not isinstance(order, list | tuple):
        raise InvalidCriteria(f"an order is 'name', '-name', or a list of these, got {shown(order)}")
    return tuple([_parse(part) for part in order])


def bind_orders(orders: Sequence[Order], columns: Mapping[str, Field], key: str) -> tuple[BoundOrder, ...]:
    """Orders over these columns, with the key last to break ties.

    Raises InvalidCriteria for an unknown field, a field without an order, or a field named twice.
    """
    bound: dict[str, BoundOrder] = {}
    for order in (*orders, *([] if any(o.field == key for o in orders) else [Order(key)])):
        field = column(order.field, columns)
        if field.kind in {Kind.JSON, Kind.SET}:
            raise InvalidCriteria(f"{field.name!r} holds {field.kind.value}, which has no order")
        if field.name in bound:
            raise InvalidCriteria(f"{field.name!r} is twice in one order: name it once")
        bound[field.name] = BoundOrder(field, order.descending)
    places = list(bound)
    return tuple([bound[name] for name in places[: places.index(key) + 1]])  # what follows the key decides nothing


def check_rows(rows: int, what: str, limit: int = 2**31) -> int:
    """A whole number of rows from 0 to the limit; raises InvalidCriteria, or LimitExceeded above it."""
    if type(rows) is not int or rows < 0:
        raise InvalidCriteria(f"{what} is a whole number from 0, got {shown(rows)}")
    if rows > limit:
        raise LimitExceeded(what, min(rows, _INT64_MAX), limit)
    return rows


def _parse(order: object) -> Order:
    if isinstance(order, Order):
        return order
    if isinstance(order, str):
        return Order(order[1:], descending=True) if order.startswith("-") else Order(order)
    if _is_pair(order):
        return _directed(*cast("tuple[str, object]", order))
    raise InvalidCriteria(f"an order is 'name', '-name' or ('name', 'desc'), got {shown(order)}")


def _is_pair(order: object) -> bool:
    if not isinstance(order, tuple):
        return False
    pair = cast("tuple[object, ...]", order)
    return len(pair) == 2 and isinstance(pair[0], str) and _is_direction(pair[1])


def _is_direction(value: object) -> bool:
    return type(value) in {int, str} and value in _DESCENDING


def _directed(name: str, direction: object) -> Order:
    if not _is_direction(direction):
        raise InvalidCriteria(f"{name!r} is ordered 'asc' or 'desc' (1 or -1), got {shown(direction)}")
    return Order(name, _DESCENDING[direction])

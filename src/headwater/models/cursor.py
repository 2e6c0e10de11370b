"""Cursors: where a page ended, as signed text that fits only the query it was made for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import cast

import msgspec

from headwater.errors import InvalidCursor
from headwater.models.criteria import All, And, Compare, Criteria, Or
from headwater.models.fields import Field, Scalar
from headwater.models.ordering import BoundOrder
from headwater.models.selection import BoundSelection

__all__ = ["after", "cursor_text", "read_cursor"]

_SIGNATURE_BYTES = 16


def cursor_text(table: str, selection: BoundSelection, last: Sequence[Scalar], secret: bytes) -> str:
    """Signed text of A-Z a-z 0-9 - _ . `last` holds the last row's scalars of the ordered fields."""
    body = msgspec.msgpack.encode(list(last))
    return base64.urlsafe_b64encode(_signature(body, table, selection, secret) + body).rstrip(b"=").decode()


def read_cursor(text: str, table: str, selection: BoundSelection, secret: bytes) -> list[Scalar]:
    """The scalars of the ordered fields; raises InvalidCursor unless made with this secret for this query."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (ValueError, AttributeError, binascii.Error):
        raise _refused() from None
    signature, body = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(body, table, selection, secret)):
        raise _refused()
    return cast("list[Scalar]", msgspec.msgpack.decode(body))  # ours, by the signature


def after(orders: Sequence[BoundOrder], last: Sequence[Scalar]) -> Criteria:
    """Criteria of the rows behind the last one in this order."""
    values = [order.field.to_value(scalar) for order, scalar in zip(orders, last, strict=True)]
    later: list[Criteria] = []
    equal: list[Criteria] = []
    for order, value in zip(orders, values, strict=True):
        behind = _behind(order, value)
        if behind is not None:
            later.append(And((*equal, behind)))
        equal.append(Compare(order.field.name, "==", value))
    return And((_from(orders[0], values[0]), Or(tuple(later))))


def _behind(order: BoundOrder, value: object) -> Criteria | None:
    """The rows whose field comes after this value; None if there can be none."""
    name = order.field.name
    if value is None:
        return None if order.descending else Compare(name, "!=", None)
    if not order.descending:
        return Compare(name, ">", value)
    smaller = Compare(name, "<", value)
    return Or((smaller, Compare(name, "==", None))) if order.field.optional else smaller


def _from(order: BoundOrder, value: object) -> Criteria:
    """A bound on the first field alone: says nothing new, but lets an index start at the right place."""
    if value is None or (order.descending and order.field.optional):
        return All()
    return Compare(order.field.name, "<=" if order.descending else ">=", value)


def _signature(body: bytes, table: str, selection: BoundSelection, secret: bytes) -> bytes:
    query = msgspec.msgpack.encode([str(table), _shape(selection.criteria), _shape(selection.order)])
    return hmac.digest(secret, b"cursor:" + hashlib.sha256(query).digest() + body, hashlib.sha256)[:_SIGNATURE_BYTES]


def _shape(part: object) -> object:
    """Criteria and orders as plain lists, fields by name."""
    if isinstance(part, Field):
        return str(part.name)
    if isinstance(part, tuple):
        return [_shape(each) for each in cast("tuple[object, ...]", part)]
    if isinstance(part, msgspec.Struct):
        return [type(part).__name__, *[_shape(getattr(part, name)) for name in part.__struct_fields__]]
    return part


def _refused() -> InvalidCursor:
    return InvalidCursor("this cursor was not made for this query by this store: ask for the first page again")

"""Criteria as SQL: a condition and its bindings.

SQL has a third truth value, criteria have two. Null counts as false wherever a condition is read as a whole, in
AND and in OR; so only a negation has to say `IS NOT TRUE`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from headwater.errors import LimitExceeded
from headwater.models.binding import (
    AllOf,
    AnyOf,
    BoundCriteria,
    Comparison,
    Everything,
    HasItem,
    HasPrefix,
    IsNull,
    Negation,
    OneOf,
)
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.ordering import BoundOrder

__all__ = ["Condition", "Naming", "order_by", "where"]

Naming: TypeAlias = Callable[[Field], str]
"""The SQL name of a column, with that of its table."""
Condition: TypeAlias = tuple[str, list[Scalar]]

_FEW: Final = 16
_PARAMETERS: Final = 32_766


def where(criteria: BoundCriteria, name: Naming) -> Condition:
    """True for the rows the criteria mean; raises LimitExceeded for more values than a statement takes."""
    sql, bindings = _condition(criteria, name)
    if len(bindings) > _PARAMETERS:
        raise LimitExceeded("the values in criteria", len(bindings), _PARAMETERS)
    return sql, bindings


def _condition(criteria: BoundCriteria, name: Naming) -> Condition:
    match criteria:
        case Everything():
            return "TRUE", []
        case Comparison(field, operator, scalar):
            return f"{name(field)} {operator} ?", [scalar]
        case IsNull(field):
            return f"{name(field)} IS NULL", []
        case OneOf(field, scalars):
            return _one_of(name(field), field, scalars)
        case HasItem(field, scalar):
            return f"EXISTS (SELECT 1 FROM json_each({name(field)}) AS item WHERE item.value = ?)", [scalar]
        case HasPrefix(field, text):
            return _has_prefix(name(field), text)
        case AllOf(parts):
            return _joined(parts, name, " AND ", "TRUE")
        case AnyOf(parts):
            return _joined(parts, name, " OR ", "FALSE")
        case Negation(part):
            sql, bindings = _condition(part, name)
            return f"({sql}) IS NOT TRUE", bindings


def order_by(orders: Sequence[BoundOrder], name: Naming) -> str:
    """The terms of an ORDER BY; SQLite too takes null for the smallest."""
    return ", ".join(name(order.field) + (" DESC" if order.descending else "") for order in orders)


def _joined(parts: Sequence[BoundCriteria], name: Naming, word: str, of_none: str) -> Condition:
    """A balanced tree: SQLite takes 1,000 levels of expression, and a chain is one for each part."""
    if not parts:
        return of_none, []
    if len(parts) == 1:
        return _condition(parts[0], name)
    half = len(parts) // 2
    left, left_bindings = _joined(parts[:half], name, word, of_none)
    right, right_bindings = _joined(parts[half:], name, word, of_none)
    return f"({left}){word}({right})", left_bindings + right_bindings


def _one_of(column: str, field: Field, scalars: Sequence[Scalar]) -> Condition:
    """Many values travel as one JSON array: a statement takes 32,766 parameters."""
    if len(scalars) <= _FEW:
        return f"{column} IN ({', '.join('?' * len(scalars))})", list(scalars)
    if field.kind is Kind.BYTES:
        hexes = [cast("bytes", scalar).hex() for scalar in scalars]
        return f"{column} IN (SELECT unhex(item.value) FROM json_each(?) AS item)", [_json(hexes)]
    return f"{column} IN (SELECT item.value FROM json_each(?) AS item)", [_json(scalars)]


def _json(scalars: Sequence[Scalar]) -> str:
    return msgspec.json.encode(scalars).decode()


def _has_prefix(column: str, text: str) -> Condition:
    """A range, so that an index serves it: from the text to the first text that no longer starts with it."""
    after = _after(text)
    if after is None:
        return f"{column} >= ?", [text]
    return f"{column} >= ? AND {column} < ?", [text, after]


def _after(prefix: str) -> str | None:
    """The least text above every text with this prefix; None if there is none."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)

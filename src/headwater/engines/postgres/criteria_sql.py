"""Criteria as SQL: a condition, with its values among the bindings.

SQL has a third truth value, criteria have two. Null counts as false wherever a condition is read as a whole, in
AND and in OR; so only a negation has to say `IS NOT TRUE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.engines.postgres.bindings import Bindings
from headwater.engines.postgres.columns import Columns
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
from headwater.models.fields import Field, Scalar
from headwater.models.ordering import BoundOrder

__all__ = ["order_by", "where"]

_OPERATORS: Final = {"==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def where(criteria: BoundCriteria, columns: Columns, bindings: Bindings) -> str:
    """True for the rows the criteria mean; raises LimitExceeded for more values than a statement takes."""
    match criteria:
        case Everything():
            return "TRUE"
        case Comparison(field, operator, scalar):
            return f"{columns.name(field)} {_OPERATORS[operator]} {columns.one(field, scalar, bindings)}"
        case IsNull(field):
            return f"{columns.name(field)} IS NULL"
        case OneOf(field, scalars):
            return _one_of(field, scalars, columns, bindings)
        case HasItem(field, scalar):
            return f"{columns.items(field)} @> {columns.item(field, scalar, bindings)}"
        case HasPrefix(field, text):
            return _has_prefix(field, text, columns, bindings)
        case AllOf(parts):
            return " AND ".join(f"({where(part, columns, bindings)})" for part in parts) or "TRUE"
        case AnyOf(parts):
            return " OR ".join(f"({where(part, columns, bindings)})" for part in parts) or "FALSE"
        case Negation(part):
            return f"({where(part, columns, bindings)}) IS NOT TRUE"


def order_by(orders: Sequence[BoundOrder], columns: Columns) -> str:
    """The terms of an ORDER BY."""
    return ", ".join(map(columns.order, orders))


def _one_of(field: Field, scalars: Sequence[Scalar], columns: Columns, bindings: Bindings) -> str:
    """Many values travel as one array: a statement takes 32,767 parameters."""
    return f"{columns.name(field)} = ANY ({columns.any(field, scalars, bindings)})" if scalars else "FALSE"


def _has_prefix(field: Field, text: str, columns: Columns, bindings: Bindings) -> str:
    """A range, so that an index serves it: from the text to the first text that no longer starts with it."""
    name, after = columns.name(field), _after(text)
    start = f"{name} >= {columns.one(field, text, bindings)}"
    return start if after is None else f"{start} AND {name} < {columns.one(field, after, bindings)}"


def _after(prefix: str) -> str | None:
    """The least text above every text with this prefix; None if there is none."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)

"""Criteria: which rows, as a tree of plain values.

Two-valued on every engine: a comparison with a null field is false, except `==` and `in` with None; `!=` and `not`
are true exactly where their opposite is false. Text compares by code point. In an order null is smaller than
every value.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

__all__ = ["All", "And", "Compare", "Contains", "Criteria", "In", "Not", "Operator", "Or", "Order", "StartsWith"]

Operator: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]


class All(msgspec.Struct, frozen=True):
    """Every row."""


class Compare(msgspec.Struct, frozen=True):
    """A field against a value of its type."""

    field: str
    operator: Operator
    value: object


class In(msgspec.Struct, frozen=True):
    """A field equal to one of the values."""

    field: str
    values: tuple[object, ...]


class Contains(msgspec.Struct, frozen=True):
    """A list field that has this item."""

    field: str
    item: object


class StartsWith(msgspec.Struct, frozen=True):
    """A text field that starts with this text, code point by code point."""

    field: str
    text: str


class And(msgspec.Struct, frozen=True):
    parts: tuple[Criteria, ...]


class Or(msgspec.Struct, frozen=True):
    parts: tuple[Criteria, ...]


class Not(msgspec.Struct, frozen=True):
    part: Criteria


Criteria: TypeAlias = All | Compare | In | Contains | StartsWith | And | Or | Not


class Order(msgspec.Struct, frozen=True):
    """Sort by a field; null is smaller than every value."""

    field: str
    descending: bool = False

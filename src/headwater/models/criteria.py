"""Criteria: which rows, as a tree of plain values.

Two-valued on every engine: a comparison with a null field is false, except `==` and `in` with None; `!=` and `not`
are true exactly where their opposite is false. Text compares by code point. In an order null is smaller than
every value.
"""

from __future__ import annotations

from typing import Literal, NoReturn, TypeAlias, cast

import msgspec

from headwater.errors import InvalidCriteria

__all__ = ["All", "And", "Compare", "Contains", "Criteria", "In", "Not", "Operator", "Or", "Order", "StartsWith"]

Operator: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]


class _Criterion(msgspec.Struct, frozen=True):
    """Combines by `&`, `|` and `~`."""

    def __and__(self, other: Criteria) -> And:
        return And((*_parts(self, And), *_parts(other, And)))

    def __or__(self, other: Criteria) -> Or:
        return Or((*_parts(self, Or), *_parts(other, Or)))

    def __invert__(self) -> Not:
        return Not(cast("Criteria", self))

    def __bool__(self) -> NoReturn:
        raise InvalidCriteria(
            "criteria have no truth value: combine them with &, | and ~, not `and`, `or`, `a < f < b`"
        )


class All(_Criterion, frozen=True):
    """Every row."""


class Compare(_Criterion, frozen=True):
    """A field against a value of its type."""

    field: str
    operator: Operator
    value: object


class In(_Criterion, frozen=True):
    """A field equal to one of the values."""

    field: str
    values: tuple[object, ...]


class Contains(_Criterion, frozen=True):
    """A list field that has this item."""

    field: str
    item: object


class StartsWith(_Criterion, frozen=True):
    """A text field that starts with this text, code point by code point."""

    field: str
    text: str


class And(_Criterion, frozen=True):
    parts: tuple[Criteria, ...]


class Or(_Criterion, frozen=True):
    parts: tuple[Criteria, ...]


class Not(_Criterion, frozen=True):
    part: Criteria


Criteria: TypeAlias = All | Compare | In | Contains | StartsWith | And | Or | Not


class Order(msgspec.Struct, frozen=True):
    """Sort by a field; null is smaller than every value."""

    field: str
    descending: bool = False


def _parts(criteria: object, kind: type[And | Or]) -> tuple[Criteria, ...]:
    return criteria.parts if isinstance(criteria, kind) else (cast("Criteria", criteria),)

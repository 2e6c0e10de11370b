"""Bound criteria: criteria checked against declared fields, their values turned into scalars.

Engines compile this form. It has fewer shapes than criteria: `!=` is a negated `==`, None is `IsNull`, every
scalar in it is present. Two-valued: a Comparison, OneOf, HasItem or HasPrefix of a null field is false.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from headwater.errors import InvalidCriteria, InvalidMessage, LimitExceeded
from headwater.models.criteria import All, And, Compare, Contains, Criteria, In, Not, Or, StartsWith
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.shown import shown

__all__ = [
    "AllOf",
    "AnyOf",
    "BoundCriteria",
    "Comparison",
    "Everything",
    "HasItem",
    "HasPrefix",
    "IsNull",
    "Negation",
    "OneOf",
    "bind",
    "column",
]

_DEPTH: Final = 64
_VALUES: Final = 10_000


class Everything(msgspec.Struct, frozen=True):
    """Every row."""


class Comparison(msgspec.Struct, frozen=True):
    field: Field
    operator: Literal["==", "<", "<=", ">", ">="]
    scalar: Scalar
    """Never None."""


class IsNull(msgspec.Struct, frozen=True):
    field: Field


class OneOf(msgspec.Struct, frozen=True):
    field: Field
    scalars: tuple[Scalar, ...]
    """Distinct, never None; may be empty: then no row."""


class HasItem(msgspec.Struct, frozen=True):
    """The field's JSON array has an item of this scalar; `field.items` says of which kind."""

    field: Field
    scalar: Scalar


class HasPrefix(msgspec.Struct, frozen=True):
    field: Field
    text: str


class AllOf(msgspec.Struct, frozen=True):
    parts: tuple[BoundCriteria, ...]


class AnyOf(msgspec.Struct, frozen=True):
    parts: tuple[BoundCriteria, ...]
    """May be empty: then no row."""


class Negation(msgspec.Struct, frozen=True):
    part: BoundCriteria


BoundCriteria: TypeAlias = Everything | Comparison | IsNull | OneOf | HasItem | HasPrefix | AllOf | AnyOf | Negation


def bind(criteria: Criteria, columns: Mapping[str, Field], depth: int = 1) -> BoundCriteria:
    """Criteria over these columns, checked.

    Raises:
        InvalidCriteria: for an unknown field, or a value or operator its kind does not take.
        LimitExceeded: for more than 64 levels, or more than 10,000 values in one `in`.
    """
    if depth > _DEPTH:
        raise LimitExceeded("the nesting of criteria", depth, _DEPTH)
    match criteria:
        case All():
            return Everything()
        case Compare(name, operator, value):
            return _comparison(column(name, columns), operator, value)
        case In(name, values):
            return _one_of(column(name, columns), values)
        case Contains(name, item):
            return _has_item(column(name, columns), item)
        case StartsWith(name, text):
            return _has_prefix(column(name, columns), text)
        case And(parts):
            return AllOf(tuple([bind(part, columns, depth + 1) for part in parts]))
        case Or(parts):
            return AnyOf(tuple([bind(part, columns, depth + 1) for part in parts]))
        case Not(part):
            return Negation(bind(part, columns, depth + 1))
        case _:
            raise _refused(criteria)


def column(name: object, columns: Mapping[str, Field]) -> Field:
    """The column of a name; raises InvalidCriteria for a name that is none."""
    field = columns.get(name) if isinstance(name, str) else None
    if field is None:
        raise InvalidCriteria(f"there is no field {shown(name)} here: use one of {', '.join(columns)}")
    return field


def _comparison(field: Field, operator: str, value: object) -> BoundCriteria:
    if operator == "!=":
        return Negation(_comparison(field, "==", value))
    if operator not in {"==", "<", "<=", ">", ">="}:
        raise _refused(operator)
    if value is None:
        if operator == "==":
            return IsNull(field)
        raise InvalidCriteria(f"{field.name!r} {operator} None is never true: compare with None by == or !=")
    return Comparison(_comparable(field), operator, _scalar(field, value))  # type: ignore[arg-type]


def _one_of(field: Field, values: tuple[object, ...]) -> BoundCriteria:
    if len(values) > _VALUES:
        raise LimitExceeded(f"the values for {field.name!r}", len(values), _VALUES)
    scalars = dict.fromkeys([_scalar(_comparable(field), value) for value in values if value is not None])
    among = OneOf(field, tuple(scalars))
    return AnyOf((among, IsNull(field))) if None in values else among


def _has_item(field: Field, item: object) -> BoundCriteria:
    if field.items is None:
        raise InvalidCriteria(f"{field.name!r} is no list of plain values such as list[str]: it cannot contain")
    if item is None:
        raise InvalidCriteria(f"{field.name!r} cannot be asked for an item None: ask for a value")
    return HasItem(field, _scalar(field.items, item))


def _has_prefix(field: Field, text: object) -> BoundCriteria:
    if field.kind is not Kind.TEXT or not isinstance(text, str):
        raise InvalidCriteria(f"only text starts with text: {field.name!r} is {field.kind.value}")
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidCriteria(f"{field.name!r} cannot start with {shown(text)}: no stored text holds NUL or surrogates")
    return HasPrefix(field, text)


def _comparable(field: Field) -> Field:
    if field.kind in {Kind.JSON, Kind.SET}:
        raise InvalidCriteria(f"{field.name!r} holds {field.kind.value} and can only be null or contain an item")
    return field


def _scalar(field: Field, value: object) -> Scalar:
    try:
        return field.to_scalar(value)
    except InvalidMessage as error:
        raise InvalidCriteria(str(error)) from None


def _refused(given: object) -> InvalidCriteria:
    return InvalidCriteria(f"{shown(given)} is no criterion: use field(...) or a mapping")

"""Evaluation of criteria and orders on scalars: their reference meaning.

A row is the tuple of its scalars in column order.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast

import msgspec

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
from headwater.models.search import words

__all__ = ["Row", "Test", "finds", "items", "matcher", "ordered"]

Row: TypeAlias = tuple[Scalar, ...]
Test: TypeAlias = Callable[[Row], bool]

_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matcher(criteria: BoundCriteria, columns: Mapping[str, Field]) -> Test:
    """The function that says whether a row of these columns is meant."""
    places = {name: place for place, name in enumerate(columns)}
    return _test(criteria, places)


def ordered(rows: Iterable[Row], orders: Sequence[BoundOrder], columns: Mapping[str, Field]) -> list[Row]:
    """The rows sorted, null smallest."""
    places = {name: place for place, name in enumerate(columns)}
    result = list(rows)
    for order in reversed(orders):
        result.sort(key=_rank(places[order.field.name]), reverse=order.descending)
    return result


def finds(tokens: Sequence[str], texts: Iterable[Scalar]) -> bool:
    """True if every token starts a word of one of the texts; false for no tokens."""
    present = {word for text in texts if text is not None for word in words(cast("str", text))}
    return bool(tokens) and all(any(word.startswith(token) for word in present) for token in tokens)


def items(field: Field, array: Scalar) -> list[Scalar]:
    """The scalars in a JSON array that `field.items` describes; none for null."""
    if array is None:
        return []
    held = msgspec.json.decode(cast("str", array), type=list[bool | int | float | str | None])
    return [_item(field.items, item) for item in held]


def _item(field: Field | None, item: Scalar) -> Scalar:
    """A JSON item as a scalar: true is 1, and a whole number among reals is a float."""
    if item is None or field is None:
        return item
    if field.kind is Kind.BOOLEAN:
        return int(cast("bool", item))
    return float(cast("int", item)) if field.kind is Kind.REAL else item


def _rank(place: int) -> Callable[[Row], tuple[bool, Scalar]]:
    return lambda row: (row[place] is not None, row[place])


def _test(criteria: BoundCriteria, places: Mapping[str, int]) -> Test:
    match criteria:
        case Everything():
            return lambda row: True
        case Comparison(field, sign, scalar):
            return _comparison(places[field.name], _OPERATORS[sign], scalar)
        case IsNull(field):
            return _is_null(places[field.name])
        case OneOf(field, scalars):
            return _one_of(places[field.name], frozenset(scalars))
        case HasItem(field, scalar):
            return _has_item(places[field.name], field, scalar)
        case HasPrefix(field, text):
            return _has_prefix(places[field.name], text)
        case AllOf(parts):
            tests = [_test(part, places) for part in parts]
            return lambda row: all(test(row) for test in tests)
        case AnyOf(parts):
            tests = [_test(part, places) for part in parts]
            return lambda row: any(test(row) for test in tests)
        case Negation(part):
            test = _test(part, places)
            return lambda row: not test(row)


def _comparison(place: int, compare: Callable[[str, str], bool], scalar: Scalar) -> Test:
    bound = cast("str", scalar)  # both sides are scalars of one kind
    return lambda row: row[place] is not None and compare(cast("str", row[place]), bound)


def _is_null(place: int) -> Test:
    return lambda row: row[place] is None


def _one_of(place: int, scalars: frozenset[Scalar]) -> Test:
    return lambda row: row[place] in scalars


def _has_item(place: int, field: Field, scalar: Scalar) -> Test:
    return lambda row: scalar in items(field, row[place])


def _has_prefix(place: int, text: str) -> Test:
    return lambda row: row[place] is not None and cast("str", row[place]).startswith(text)

"""Criteria from mappings: `{"status": "active", "age": {"$gt": 5}, "$or": [{...}, {...}]}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, cast

from headwater.errors import InvalidCriteria, LimitExceeded
from headwater.models.criteria import All, And, Compare, Contains, Criteria, In, Not, Or, StartsWith
from headwater.models.shown import shown

__all__ = ["CriteriaLike", "parse_criteria"]

CriteriaLike: TypeAlias = Criteria | Mapping[str, object] | None

_DEPTH: Final = 64


def parse_criteria(criteria: CriteriaLike, equal: Mapping[str, object] | None = None) -> Criteria:
    """Criteria from any form, and the fields in `equal` equal to their values.

    None and an empty mapping are every row. Field operators: `$eq $ne $gt $gte $lt $lte $in $nin $not $contains
    $startsWith`; around them: `$and $or $nor $not`. Several in one mapping must all hold.

    Raises:
        InvalidCriteria: for an unknown operator or another form.
        LimitExceeded: for more than 64 levels.
    """
    parsed = _parse(criteria, 1)
    parts = [] if isinstance(parsed, All) else [parsed]
    return _all_of([*parts, *(Compare(name, "==", value) for name, value in (equal or {}).items())])


def _parse(criteria: object, depth: int) -> Criteria:
    if depth > _DEPTH:
        raise LimitExceeded("the nesting of criteria", depth, _DEPTH)
    if criteria is None:
        return All()
    if isinstance(criteria, Criteria):
        return criteria
    return _all_of([_clause(name, value, depth) for name, value in _mapping(criteria).items()])


def _clause(name: str, value: object, depth: int) -> Criteria:
    if name == "$not":
        return Not(_parse(value, depth + 1))
    if name in _CONNECTIVES:
        parts = [_parse(part, depth + 1) for part in _list(name, value)]
        if not parts:
            raise InvalidCriteria(f"{name} takes at least one mapping")
        return _CONNECTIVES[name](parts)
    if name.startswith("$"):
        raise InvalidCriteria(f"unknown operator {shown(name)}: use $and, $or, $nor or $not around fields")
    return _comparison(name, value, depth)


def _comparison(field: str, value: object, depth: int) -> Criteria:
    if not isinstance(value, Mapping):
        return Compare(field, "==", value)
    if depth > _DEPTH:
        raise LimitExceeded("the nesting of criteria", depth, _DEPTH)
    operators = _mapping(cast("Mapping[object, object]", value))
    if not operators:
        raise InvalidCriteria(f"{shown(field)} is compared with an empty mapping: give an operator such as $eq")
    return _all_of([_operation(field, operator, operand, depth) for operator, operand in operators.items()])


def _operation(field: str, operator: str, operand: object, depth: int) -> Criteria:
    if operator == "$not":
        return Not(_comparison(field, operand, depth + 1))
    operation = _OPERATIONS.get(operator)
    if operation is None:
        raise InvalidCriteria(f"unknown operator {shown(operator)}: use one of {', '.join(_OPERATIONS)}, $not")
    return operation(field, operand)


def _starts_with(field: str, text: object) -> Criteria:
    if not isinstance(text, str):
        raise InvalidCriteria(f"$startsWith takes text, got {shown(text)}")
    return StartsWith(field, text)


_OPERATIONS: Final[dict[str, Callable[[str, object], Criteria]]] = {
    "$eq": lambda field, value: Compare(field, "==", value),
    "$ne": lambda field, value: Compare(field, "!=", value),
    "$gt": lambda field, value: Compare(field, ">", value),
    "$gte": lambda field, value: Compare(field, ">=", value),
    "$lt": lambda field, value: Compare(field, "<", value),
    "$lte": lambda field, value: Compare(field, "<=", value),
    "$in": lambda field, values: In(field, tuple(_list("$in", values))),
    "$nin": lambda field, values: Not(In(field, tuple(_list("$nin", values)))),
    "$contains": Contains,
    "$startsWith": _starts_with,
}


def _any_of(parts: list[Criteria]) -> Criteria:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _all_of(parts: list[Criteria]) -> Criteria:
    if not parts:
        return All()
    return parts[0] if len(parts) == 1 else And(tuple(parts))


_CONNECTIVES: Final[dict[str, Callable[[list[Criteria]], Criteria]]] = {
    "$and": _all_of,
    "$or": _any_of,
    "$nor": lambda parts: Not(_any_of(parts)),
}


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidCriteria(f"criteria are a mapping or an expression, got {shown(value)}")
    given = cast("Mapping[object, object]", value)
    if not all(isinstance(name, str) for name in given):
        raise InvalidCriteria(f"criteria name fields by text, got {shown(list(given))}")
    return cast("Mapping[str, object]", given)


def _list(operator: str, value: object) -> Sequence[object]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise InvalidCriteria(f"{operator} takes a list, got {shown(value)}")
    return list(cast("Sequence[object]", value))

"""Expressions: criteria written as Python, `(field("age") >= 18) & ~field("status").in_(["closed"])`."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.models.criteria import Compare, Contains, In, Not, StartsWith

__all__ = ["FieldExpression", "field"]


def field(name: str) -> FieldExpression:
    """A field to compare."""
    return FieldExpression(name)


class FieldExpression:
    """A field's name that makes criteria when compared. Comparing with None asks for null."""

    __hash__ = None  # type: ignore[assignment]  # `==` makes criteria, so it tells no two apart
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __eq__(self, value: object) -> Compare:  # type: ignore[override]
        return Compare(self._name, "==", value)

    def __ne__(self, value: object) -> Compare:  # type: ignore[override]
        return Compare(self._name, "!=", value)

    def __lt__(self, value: object) -> Compare:
        return Compare(self._name, "<", value)

    def __le__(self, value: object) -> Compare:
        return Compare(self._name, "<=", value)

    def __gt__(self, value: object) -> Compare:
        return Compare(self._name, ">", value)

    def __ge__(self, value: object) -> Compare:
        return Compare(self._name, ">=", value)

    def in_(self, values: Iterable[object]) -> In:
        return In(self._name, tuple(values))

    def not_in(self, values: Iterable[object]) -> Not:
        return Not(self.in_(values))

    def contains(self, item: object) -> Contains:
        """A list field that has this item."""
        return Contains(self._name, item)

    def starts_with(self, text: str) -> StartsWith:
        return StartsWith(self._name, text)

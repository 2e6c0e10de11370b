"""Columns of values to columns of scalars.

Changes of one shape are encoded a column at a time: where every value is plainly of its kind, a few C calls say so
for all of them. Any other column goes value by value through `Field.to_scalar`, which decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias, cast

from headwater.models.fields import Field, Kind, Scalar

__all__ = ["encoded", "scalars"]

_Column: TypeAlias = Sequence[object]

_INT64: Final = range(-(2**63), 2**63)


def encoded(fields: Sequence[Field], rows: Iterable[Sequence[object]]) -> Iterable[Sequence[Scalar]]:
    """Rows of values as rows of scalars; raises InvalidMessage for a value that does not fit its field."""
    return zip(*map(scalars, fields, zip(*rows, strict=True)), strict=True)


def scalars(field: Field, column: _Column) -> Sequence[Scalar]:
    """The values of one field as scalars; raises InvalidMessage for one that does not fit it."""
    at_once = _AT_ONCE.get((field.kind, field.type))
    found = None if at_once is None else at_once(column)
    return list(map(field.to_scalar, column)) if found is None else found


def _texts(column: _Column) -> Sequence[Scalar] | None:
    if set(map(type, column)) != {str}:
        return None
    texts = cast("Sequence[str]", column)
    together = "".join(texts)
    return texts if together.isascii() and "\0" not in together else None


def _integers(column: _Column) -> Sequence[Scalar] | None:
    if set(map(type, column)) != {int}:
        return None
    numbers = cast("Sequence[int]", column)
    return numbers if min(numbers) in _INT64 and max(numbers) in _INT64 else None


def _reals(column: _Column) -> Sequence[Scalar] | None:
    if set(map(type, column)) != {float}:
        return None
    numbers = cast("Sequence[float]", column)
    return [number + 0.0 for number in numbers] if all(map(math.isfinite, numbers)) else None


def _booleans(column: _Column) -> Sequence[Scalar] | None:
    return list(map(int, cast("Sequence[bool]", column))) if set(map(type, column)) == {bool} else None


_AT_ONCE: Final[dict[tuple[Kind, object], Callable[[_Column], Sequence[Scalar] | None]]] = {
    (Kind.TEXT, str): _texts,
    (Kind.INTEGER, int): _integers,
    (Kind.REAL, float): _reals,
    (Kind.BOOLEAN, bool): _booleans,
}
"""By kind and declared type, since an Enum or a Literal takes fewer values than its kind."""

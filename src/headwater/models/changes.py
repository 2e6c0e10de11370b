"""Changes: what a projection does to read models, as values; and the merging of many into few.

Their meaning is the same on every engine: an insert replaces the whole row, an update or delete of a missing row
changes nothing, an upsert or accumulation creates the row it misses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

import msgspec

from headwater.models.fields import Scalar
from headwater.models.model import ReadModel, schema_of

__all__ = [
    "Accumulate",
    "Change",
    "Delete",
    "Insert",
    "Update",
    "Upsert",
    "accumulated",
    "apply",
    "merge",
    "scalar_fields",
]

N = TypeVar("N")


class Insert(msgspec.Struct, frozen=True):
    """Write the whole row, in place of any that is there."""

    row: ReadModel

    @property
    def model(self) -> type[ReadModel]:
        return type(self.row)

    @property
    def key(self) -> object:
        return getattr(self.row, schema_of(type(self.row)).key)


class Update(msgspec.Struct, frozen=True):
    """Set fields of the row, if it is there."""

    model: type[ReadModel]
    key: object
    fields: dict[str, object]


class Upsert(msgspec.Struct, frozen=True):
    """Set fields of the row, or write `missing` where there is none."""

    model: type[ReadModel]
    key: object
    fields: dict[str, object]
    missing: ReadModel


class Delete(msgspec.Struct, frozen=True):
    """Take the row away, if it is there."""

    model: type[ReadModel]
    key: object


class Accumulate(msgspec.Struct, frozen=True):
    """Add to numbers and raise or lower bounds: commutative, so events may come in any order.

    Where there is no row it starts from `missing`, a row of declared defaults, and is then accumulated too.
    A bound whose field is null takes the value; what is added to is never null.
    """

    model: type[ReadModel]
    key: object
    missing: ReadModel
    add: dict[str, object] = {}
    max: dict[str, object] = {}
    min: dict[str, object] = {}


Change: TypeAlias = Insert | Update | Upsert | Delete | Accumulate


def apply(change: Change, row: ReadModel | None) -> ReadModel | None:
    """What the row becomes: the reference meaning of every change."""
    match change:
        case Insert(row=new):
            return new
        case Update(fields=fields):
            return None if row is None else msgspec.structs.replace(row, **fields)
        case Upsert(fields=fields, missing=missing):
            return missing if row is None else msgspec.structs.replace(row, **fields)
        case Delete():
            return None
        case Accumulate():
            return accumulated(change.missing if row is None else row, change)


def accumulated(row: ReadModel, change: Accumulate) -> ReadModel:
    """The row after an accumulation."""
    fields: dict[str, object] = {}
    for name, delta in change.add.items():
        fields[name] = _sum(getattr(row, name), delta)
    for name, bound in change.max.items():
        fields[name] = _bound(getattr(row, name), bound, high=True)
    for name, bound in change.min.items():
        fields[name] = _bound(getattr(row, name), bound, high=False)
    return msgspec.structs.replace(row, **fields)


def merge(changes: Iterable[Change]) -> list[Change]:
    """The fewest changes of the same effect: at most one for each row, except where meanings cannot be joined."""
    latest: dict[tuple[type[ReadModel], object], int] = {}
    merged: list[Change] = []
    sums: dict[int, dict[str, object]] = {}
    for change in changes:
        place = change.model, change.key
        index = latest.get(place)
        if index is None:
            latest[place] = len(merged)
            merged.append(change)
            continue
        first = merged[index]
        if type(change) is Accumulate and type(first) is Accumulate and _only_sums(first, change):
            total = sums.get(index)
            if total is None:
                total = sums[index] = dict(first.add)
            _add(total, change.add)
            continue
        if index in sums:
            first = merged[index] = _summed(first, sums.pop(index))
        joined = _join(first, change)
        if joined is None:
            latest[place] = len(merged)
            merged.append(change)
        else:
            merged[index] = joined
    for index, total in sums.items():
        merged[index] = _summed(merged[index], total)
    return merged


def _only_sums(first: Accumulate, second: Accumulate) -> bool:
    """True for what most projections do most: the same kind of counting, over and over."""
    return not (first.max or first.min or second.max or second.min) and first.missing == second.missing


def _add(total: dict[str, object], deltas: dict[str, object]) -> None:
    for name, delta in deltas.items():
        total[name] = _sum(total[name], delta) if name in total else delta


def _summed(change: Change, total: dict[str, object]) -> Change:
    return msgspec.structs.replace(change, add=total)


def _join(first: Change, second: Change) -> Change | None:
    """One change for two of the same row; None if they must stay two."""
    match first, second:
        case _, (Insert() | Delete()):
            return second
        case Insert(row=row), _:
            after = apply(second, row)
            return None if after is None else Insert(after)
        case Update(model, key, before), Update(fields=after_fields):
            return Update(model, key, before | after_fields)
        case Upsert(model, key, before, missing), Update(fields=fields):
            return Upsert(model, key, before | fields, msgspec.structs.replace(missing, **fields))
        case Upsert(model, key, before, missing), Upsert(fields=fields):
            return Upsert(model, key, before | fields, msgspec.structs.replace(missing, **fields))
        case Accumulate(), Accumulate():
            return _join_accumulations(first, second)
        case _:
            return None


def _join_accumulations(first: Accumulate, second: Accumulate) -> Accumulate | None:
    if first.missing != second.missing or _order_matters(first, second):
        return None
    add = dict(first.add)
    for name, delta in second.add.items():
        add[name] = _sum(add[name], delta) if name in add else delta
    return Accumulate(
        first.model,
        first.key,
        first.missing,
        add,
        _join_bounds(first.max, second.max, high=True) if second.max else first.max,
        _join_bounds(first.min, second.min, high=False) if second.min else first.min,
    )


def _order_matters(first: Accumulate, second: Accumulate) -> bool:
    """Of one field: a sum before a bound is not the bound before the sum, nor is a maximum before a minimum."""
    if not (first.max or first.min or second.max or second.min):
        return False
    before, after = (first.add, first.max, first.min), (second.add, second.max, second.min)
    return any(a.keys() & b.keys() for i, a in enumerate(before) for j, b in enumerate(after) if i != j)


def _join_bounds(first: dict[str, object], second: dict[str, object], *, high: bool) -> dict[str, object]:
    joined = dict(first)
    for name, bound in second.items():
        joined[name] = _bound(joined.get(name), bound, high=high)
    return joined


def _sum(value: object, delta: object) -> object:
    return value + delta  # type: ignore[operator]  # checked as numbers when the change was made


def _bound(value: object, bound: object, *, high: bool) -> object:
    if value is None:
        return bound
    takes_over = bound > value if high else bound < value  # type: ignore[operator]  # of one kind, checked before
    return bound if takes_over else value


def scalar_fields(model: type[ReadModel], fields: dict[str, object]) -> dict[str, Scalar]:
    """Fields as scalars, by name."""
    declared = schema_of(model).fields
    return {name: declared[name].to_scalar(value) for name, value in fields.items()}

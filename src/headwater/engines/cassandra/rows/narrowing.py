"""Narrowing: which keys or index can find the rows that criteria mean, so that not all are looked at.

What is found is looked at again: it has to hold every row that is meant, and may hold more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from headwater.engines.cassandra.rows.cells import cell_of, is_comparable
from headwater.engines.cassandra.rows.table import Table
from headwater.models.binding import AllOf, AnyOf, BoundCriteria, Comparison, OneOf
from headwater.models.evaluate import matcher
from headwater.models.fields import Field, Scalar

__all__ = ["Keys", "Lookup", "Way", "fields_in", "unsure_of", "ways"]

_MOST_WAYS: Final = 100
"""Questions to an index for one criterion: for more of them all rows are looked at."""
_LONGEST_TEXT: Final = 1_000
"""Letters of what is looked up: an index may leave longer texts out."""
_LOWER: Final = frozenset({">", ">="})


class Keys(msgspec.Struct, frozen=True):
    """Some keys."""

    keys: tuple[Scalar, ...]


class Lookup(msgspec.Struct, frozen=True):
    """One question to the indexes: conditions that hold together."""

    conditions: tuple[Comparison, ...]

    def question(self, table: Table) -> tuple[str, Sequence[object]]:
        """The statement and its parameters."""
        text = " AND ".join([f'"{each.field.name}" {_sign(each)} ?' for each in self.conditions])
        return table.find_keys(text), [cell_of(each.field, each.scalar) for each in self.conditions]


Way: TypeAlias = Keys | Lookup


def ways(criteria: BoundCriteria, key: str, indexed: Iterable[str]) -> Sequence[Way] | None:
    """Ways that together lead to every row that is meant; None where there are none."""
    found = _ways(criteria, key, frozenset(indexed))
    return found if found is None or len(found) <= _MOST_WAYS else None


def unsure_of(used: Sequence[Lookup], columns: Mapping[str, Field], added: Mapping[str, Scalar]) -> set[str]:
    """Fields by which rows may be meant that do not have them yet: `added` are such fields, with their defaults."""
    row = tuple([added.get(name) for name in columns])
    conditions = [each for lookup in used for each in lookup.conditions if each.field.name in added]
    return {each.field.name for each in conditions if matcher(each, columns)(row)}


def fields_in(criteria: BoundCriteria) -> set[str]:
    """The fields that criteria look at."""
    if isinstance(criteria, AllOf | AnyOf):
        return {name for part in criteria.parts for name in fields_in(part)}
    inner = getattr(criteria, "part", None)
    if inner is not None:
        return fields_in(inner)
    field = getattr(criteria, "field", None)
    return {field.name} if isinstance(field, Field) else set()


def _ways(criteria: BoundCriteria, key: str, indexed: frozenset[str]) -> Sequence[Way] | None:
    match criteria:
        case Comparison(field, "==", scalar) if field.name == key:
            return [Keys((scalar,))]
        case OneOf(field, scalars) if field.name == key:
            return [Keys(scalars)]
        case Comparison(field) if field.name in indexed and _is_found(criteria):
            return [Lookup((criteria,))]
        case OneOf(field, scalars) if field.name in indexed:
            each = [Comparison(field, "==", scalar) for scalar in scalars]
            return [Lookup((one,)) for one in each] if all(map(_is_found, each)) else None
        case AllOf(parts):
            return _best([_ways(part, key, indexed) for part in parts])
        case AnyOf(parts):
            every = [_ways(part, key, indexed) for part in parts]
            return None if None in every else [way for some in every if some is not None for way in some]
        case _:
            return None


def _best(every: Sequence[Sequence[Way] | None]) -> Sequence[Way] | None:
    """Keys before anything else, then what one question asks, then the fewest questions."""
    found = [some for some in every if some is not None]
    by_key = [some for some in found if all(isinstance(way, Keys) for way in some)]
    if by_key or not found:
        return min(by_key, key=len, default=None)
    together = [way for some in found if len(some) == 1 for way in some if isinstance(way, Lookup)]
    return [_joined(together)] if together else min(found, key=len)


def _joined(lookups: Sequence[Lookup]) -> Lookup:
    """One question: of each field what it equals, or one lower and one upper bound."""
    conditions: dict[tuple[str, str], Comparison] = {}
    for each in [condition for lookup in lookups for condition in lookup.conditions]:
        kind = "==" if each.operator == "==" else "lower" if each.operator in _LOWER else "upper"
        conditions.setdefault((each.field.name, kind), each)
    equal = {name for name, kind in conditions if kind == "=="}
    return Lookup(tuple([each for (name, kind), each in conditions.items() if kind == "==" or name not in equal]))


def _is_found(condition: Comparison) -> bool:
    if condition.operator == "==":
        return not isinstance(condition.scalar, str) or len(condition.scalar) <= _LONGEST_TEXT // 4
    return is_comparable(condition.field)


def _sign(condition: Comparison) -> str:
    return "=" if condition.operator == "==" else condition.operator

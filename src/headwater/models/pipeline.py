"""Pipelines: a sequence of stages that turns rows into other rows.

Their meaning, the same on every engine:
- `Match` on the fields the stage before gives; criteria as in `headwater.models.criteria`.
- `Group`: one row per distinct `by` values (null is a value), so none where there are no rows; `_id` holds the single
  value, a mapping of several, or None for all rows. `$sum` of nothing or of nulls is 0, `$avg`, `$min`, `$max` of
  nothing is None, `$count` counts rows, `$addToSet` is the sorted list of distinct values, null left out. Sums of
  Decimals and integers are exact, and refused beyond 64 bits; the average of Decimals has four more digits, half
  rounded away from zero; other averages are floats.
- `Sort`: null smallest; ties in no promised order unless the sort names a unique field, so a final tie-break by all
  output fields in name order is applied. `Limit` and `Skip` without a sort before them follow the key or that
  tie-break. Later stages may undo an order: sort last.
- `Project`: keeps or renames fields, `Drop` leaves some out. `Unwind`: one row per item of a list field; none for an
  empty list or null.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from headwater.models.criteria import Criteria, Order

__all__ = ["Accumulator", "Drop", "Group", "Limit", "Match", "Pipeline", "Project", "Skip", "Sort", "Stage", "Unwind"]


class Match(msgspec.Struct, frozen=True):
    criteria: Criteria


class Accumulator(msgspec.Struct, frozen=True):
    """One output field of a group. `operand` is a field name, or a whole number for `$sum`; None for `$count`."""

    operator: Literal["$sum", "$avg", "$min", "$max", "$count", "$addToSet"]
    operand: str | int | None = None


class Group(msgspec.Struct, frozen=True):
    by: dict[str, str]
    """Output name to field; one entry called `_id` for a single field, empty for one group of all."""
    fields: dict[str, Accumulator]


class Sort(msgspec.Struct, frozen=True):
    orders: tuple[Order, ...]


class Limit(msgspec.Struct, frozen=True):
    rows: int


class Skip(msgspec.Struct, frozen=True):
    rows: int


class Project(msgspec.Struct, frozen=True):
    """Output name to the field it takes."""

    fields: dict[str, str]


class Drop(msgspec.Struct, frozen=True):
    """All fields but these."""

    fields: tuple[str, ...]


class Unwind(msgspec.Struct, frozen=True):
    field: str


Stage: TypeAlias = Match | Group | Sort | Limit | Skip | Project | Drop | Unwind
Pipeline: TypeAlias = tuple[Stage, ...]

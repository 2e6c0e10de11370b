"""Bound pipelines: stages checked against the columns they find, with the columns each of them gives.

Engines compile this form. Columns are named by the user: an engine that makes SQL of them names them by place.
Where an order is asked of rows that have none (before a limit, at the end) a sort is put in, so that every engine
gives the same rows in the same sequence; matches, limits, skips and projections keep the order they find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias, cast

import msgspec

from headwater.errors import InvalidCriteria
from headwater.models.binding import BoundCriteria, bind, column
from headwater.models.criteria import Order
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.model import Schema
from headwater.models.ordering import BoundOrder, bind_orders, check_rows
from headwater.models.pipeline import (
    Accumulator,
    Drop,
    Group,
    Limit,
    Match,
    Pipeline,
    Project,
    Skip,
    Sort,
    Stage,
    Unwind,
)
from headwater.models.pipeline_columns import integer_field, renamed, total_field
from headwater.models.shown import shown

__all__ = [
    "BoundColumn",
    "BoundGroup",
    "BoundLimit",
    "BoundMatch",
    "BoundPipeline",
    "BoundProject",
    "BoundSkip",
    "BoundSort",
    "BoundStage",
    "BoundTotal",
    "BoundUnwind",
    "bind_pipeline",
    "output",
]

Columns: TypeAlias = dict[str, Field]

_OUTPUT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


class BoundMatch(msgspec.Struct, frozen=True):
    criteria: BoundCriteria
    columns: Columns


class BoundColumn(msgspec.Struct, frozen=True):
    """An output column and the column it takes; None for a column of nulls."""

    field: Field
    source: Field | None


class BoundTotal(msgspec.Struct, frozen=True):
    """An output column of a group. `source` is a column, the whole number that `$sum` adds per row, or None."""

    field: Field
    operator: Literal["$sum", "$avg", "$min", "$max", "$count", "$addToSet"]
    source: Field | int | None


class BoundGroup(msgspec.Struct, frozen=True):
    """One row for each distinct tuple of `keys`: their columns first, then the totals."""

    keys: tuple[BoundColumn, ...]
    totals: tuple[BoundTotal, ...]
    columns: Columns


class BoundSort(msgspec.Struct, frozen=True):
    """The ties are broken in `orders` already."""

    orders: tuple[BoundOrder, ...]
    columns: Columns


class BoundLimit(msgspec.Struct, frozen=True):
    rows: int
    columns: Columns


class BoundSkip(msgspec.Struct, frozen=True):
    rows: int
    columns: Columns


class BoundProject(msgspec.Struct, frozen=True):
    fields: tuple[BoundColumn, ...]
    columns: Columns


class BoundUnwind(msgspec.Struct, frozen=True):
    """One row per item of `source`'s JSON array; `field` takes its place and name among the columns."""

    source: Field
    field: Field
    columns: Columns


BoundStage: TypeAlias = BoundMatch | BoundGroup | BoundSort | BoundLimit | BoundSkip | BoundProject | BoundUnwind
"""Each has `columns`: what it gives, by name, in the order of its rows' scalars."""


class BoundPipeline(msgspec.Struct, frozen=True):
    source: Columns
    """The model's fields."""
    stages: tuple[BoundStage, ...]

    @property
    def columns(self) -> Columns:
        """What comes out, by name, in the order of a row's scalars."""
        return self.stages[-1].columns if self.stages else self.source


def bind_pipeline(pipeline: Pipeline, schema: Schema) -> BoundPipeline:
    """A pipeline over a model's rows, checked; raises InvalidCriteria, LimitExceeded."""
    binder = _Binder(schema)
    for stage in pipeline:
        binder.take(stage)
    binder.order()
    return BoundPipeline(dict(schema.fields), tuple(binder.stages))


def output(columns: Mapping[str, Field]) -> Callable[[Sequence[Scalar]], dict[str, object]]:
    """The function from a row's scalars to the mapping a caller gets: values by name, `_id.x` as `_id: {x: …}`."""
    decoders = [(*name.partition("."), field.to_value) for name, field in columns.items()]

    def decode(scalars: Sequence[Scalar]) -> dict[str, object]:
        row: dict[str, object] = {}
        for (name, dot, inner, to_value), scalar in zip(decoders, scalars, strict=True):
            if dot:
                cast("dict[str, object]", row.setdefault(name, {}))[inner] = to_value(scalar)
            else:
                row[name] = to_value(scalar)
        return row

    return decode


class _Binder:
    """Follows columns and order from stage to stage."""

    def __init__(self, schema: Schema) -> None:
        self.stages: list[BoundStage] = []
        self._columns: Columns = dict(schema.fields)
        self._unique: str | None = schema.key
        self._ordered = False

    def take(self, stage: Stage) -> None:
        match stage:
            case Match(criteria):
                self._add(BoundMatch(bind(criteria, self._columns), self._columns))
            case Group(by, fields):
                self._group(by, fields)
            case Sort(orders):
                self._sort(orders)
            case Limit(rows):
                self.order()
                self._add(BoundLimit(check_rows(rows, "$limit"), self._columns))
            case Skip(rows):
                self.order()
                self._add(BoundSkip(check_rows(rows, "$skip"), self._columns))
            case Project(fields):
                self._project(fields)
            case Drop(fields):
                dropped = {name for each in fields for name in self._names(each)}
                self._project({name: name for name in self._columns if name not in dropped})
            case Unwind(name):
                self._unwind(column(name, self._columns))
            case _:
                raise InvalidCriteria(f"{shown(stage)} is no stage: use a mapping or a stage class")

    def order(self) -> None:
        """Put in a sort if the rows have no order yet."""
        if not self._ordered:
            self._sort(())

    def _add(self, stage: BoundStage) -> None:
        self.stages.append(stage)
        self._columns = stage.columns

    def _sort(self, orders: tuple[Order, ...]) -> None:
        if self._unique is not None:
            bound = bind_orders(orders, self._columns, self._unique)
        else:
            named = {order.field for order in orders}
            rest = [Order(name) for name in sorted(self._columns) if name not in named and self._sortable(name)]
            every = [*orders, *rest]
            bound = bind_orders(every, self._columns, every[-1].field) if every else ()
        self._add(BoundSort(bound, self._columns))
        self._ordered = True

    def _sortable(self, name: str) -> bool:
        return self._columns[name].kind not in {Kind.JSON, Kind.SET}

    def _group(self, by: Mapping[str, str], fields: Mapping[str, Accumulator]) -> None:
        keys = [self._group_key(name, source, "_id" in by) for name, source in by.items()] or [_NO_KEY]
        totals = [self._total(_checked(name), accumulator) for name, accumulator in fields.items()]
        columns = {key.field.name: key.field for key in keys} | {total.field.name: total.field for total in totals}
        self._add(BoundGroup(tuple(keys), tuple(totals), columns))
        self._unique = "_id" if len(keys) == 1 and "_id" in columns else None
        self._ordered = False

    def _group_key(self, name: str, source: str, single: bool) -> BoundColumn:
        field = column(source, self._columns)
        if field.kind in {Kind.JSON, Kind.SET}:
            raise InvalidCriteria(
                f"{field.name!r} holds {field.kind.value}, by which rows cannot be grouped: $unwind it"
            )
        return BoundColumn(renamed(field, "_id" if single else f"_id.{_checked(name)}"), field)

    def _total(self, name: str, accumulator: Accumulator) -> BoundTotal:
        operator, operand = accumulator.operator, accumulator.operand
        if operator == "$count":
            return BoundTotal(integer_field(name), operator, None)
        if operator == "$sum" and type(operand) is int:
            return BoundTotal(integer_field(name), operator, operand)
        source = column(cast("str", operand), self._columns)
        return BoundTotal(total_field(name, operator, source), operator, source)

    def _project(self, fields: Mapping[str, str]) -> None:
        taken = [
            BoundColumn(renamed(self._columns[each], out + each[len(source) :]), self._columns[each])
            for out, source in fields.items()
            for each in self._names(source)
            if out == source or _checked(out, allow_id=True)
        ]
        if not taken:
            raise InvalidCriteria("$project leaves no field: keep at least one")
        columns = {each.field.name: each.field for each in taken}
        if self._unique is not None:
            kept = [each.field.name for each in taken if each.source is self._columns[self._unique]]
            self._unique = kept[0] if kept else None
        self._add(BoundProject(tuple(taken), columns))

    def _names(self, name: str) -> list[str]:
        """The column of a name, or the columns of the mapping `_id` is after a group by several fields."""
        parts = [each for each in self._columns if each.startswith(f"{name}.")]
        return parts or [column(name, self._columns).name]

    def _unwind(self, source: Field) -> None:
        if source.items is None:
            raise InvalidCriteria(f"{source.name!r} is no list of plain values such as list[str]: it cannot be unwound")
        item = renamed(source.items, source.name)
        columns = {name: item if name == source.name else field for name, field in self._columns.items()}
        self._add(BoundUnwind(source, item, columns))
        self._unique = None
        self._ordered = False


def _checked(name: str, allow_id: bool = False) -> str:
    if _OUTPUT_NAME.match(name) is None or (name == "_id" and not allow_id):
        raise InvalidCriteria(f"{shown(name)} cannot name an output field: use letters, digits and _, not `_id`")
    return name


_NO_KEY: Final = BoundColumn(Field(name="_id", kind=Kind.TEXT, type=str, optional=True), None)

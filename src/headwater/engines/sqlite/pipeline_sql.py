"""Pipelines as SQL: one statement of nested subqueries, innermost the table.

Columns are named by stage and place, never by the user. An order is no property of a subquery in SQL: the columns
it sorts by travel along beside the others, and are sorted by wherever rows are counted off, and at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.engines.sqlite.criteria_sql import Condition, where
from headwater.engines.sqlite.table import Table
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.ordering import BoundOrder
from headwater.models.pipeline_binding import (
    BoundColumn,
    BoundGroup,
    BoundLimit,
    BoundMatch,
    BoundPipeline,
    BoundProject,
    BoundSkip,
    BoundSort,
    BoundStage,
    BoundTotal,
    BoundUnwind,
)

__all__ = ["pipeline_sql"]

_LOWER: Final = 2**32 - 1
_BEYOND: Final = 2**64


def pipeline_sql(pipeline: BoundPipeline, table: Table) -> Condition:
    """The statement that gives what comes out of a pipeline, and its bindings."""
    rows = _Rows(table)
    for stage in pipeline.stages:
        rows.take(stage)
    return rows.select()


class _Rows:
    """The statement so far."""

    def __init__(self, table: Table) -> None:
        self._stage = 0
        self._names = {name: f"c0_{place}" for place, name in enumerate(table.schema.names)}
        """The SQL name of each column."""
        self._order: dict[str, str] = {}
        """The SQL names to sort by, each with ` DESC` or nothing."""
        columns = [f"{column} AS {name}" for column, name in zip(table.columns, self._names.values(), strict=True)]
        self._sql = f"SELECT {', '.join(columns)} FROM {table.name}"
        self._bindings: list[Scalar] = []

    def take(self, stage: BoundStage) -> None:
        self._stage += 1
        match stage:
            case BoundMatch(criteria):
                condition, bindings = where(criteria, self._name)
                self._wrap("*", f" WHERE {condition}", after=bindings)
            case BoundGroup():
                self._group(stage)
            case BoundSort(orders):
                self._sort(orders)
            case BoundLimit(rows):
                self._wrap("*", f"{self._order_by()} LIMIT ?", after=[rows])
            case BoundSkip(rows):
                self._wrap("*", f"{self._order_by()} LIMIT -1 OFFSET ?", after=[rows])
            case BoundProject(fields):
                self._project(fields)
            case BoundUnwind():
                self._unwind(stage)

    def select(self) -> Condition:
        """The whole statement: the columns in order, sorted."""
        return f"SELECT {', '.join(self._names.values())} FROM ({self._sql}){self._order_by()}", self._bindings

    def _name(self, field: Field) -> str:
        return f"r.{self._names[field.name]}"

    def _order_by(self) -> str:
        terms = ", ".join(name + direction for name, direction in self._order.items())
        return f" ORDER BY {terms}" if terms else ""

    def _wrap(self, columns: str, rest: str, before: Sequence[Scalar] = (), after: Sequence[Scalar] = ()) -> None:
        """One level more. Bindings stand in the order of the text: of the columns, of what is inside, of the rest."""
        self._sql = f"SELECT {columns} FROM ({self._sql}) AS r{rest}"
        self._bindings = [*before, *self._bindings, *after]

    def _sort(self, orders: Sequence[BoundOrder]) -> None:
        """Sorting is stable: what was sorted by before breaks the ties."""
        wanted = {self._names[order.field.name]: " DESC" if order.descending else "" for order in orders}
        self._order = wanted | {name: way for name, way in self._order.items() if name not in wanted}

    def _project(self, fields: Sequence[BoundColumn]) -> None:
        names = self._fresh([each.field.name for each in fields])
        columns = [
            f"{'NULL' if each.source is None else self._name(each.source)} AS {names[each.field.name]}"
            for each in fields
        ]
        carried = {name: f"o{self._stage}_{place}" for place, name in enumerate(self._order)}
        columns += [f"r.{name} AS {new}" for name, new in carried.items()]
        self._wrap(", ".join(columns), "")
        self._names, self._order = names, {carried[name]: way for name, way in self._order.items()}

    def _unwind(self, stage: BoundUnwind) -> None:
        names = self._fresh(list(stage.columns))
        item = "CAST(item.value AS REAL)" if stage.field.kind is Kind.REAL else "item.value"
        columns = [
            f"{item if name == stage.field.name else f'r.{self._names[name]}'} AS {new}" for name, new in names.items()
        ]
        self._wrap(", ".join(columns), f", json_each({self._name(stage.source)}) AS item")
        self._names, self._order = names, {}

    def _group(self, stage: BoundGroup) -> None:
        names = self._fresh(list(stage.columns))
        keys = ["NULL" if key.source is None else self._name(key.source) for key in stage.keys]
        totals = [self._total(total) for total in stage.totals]
        values = [*keys, *[sql for sql, _ in totals]]
        columns = [f"{sql} AS {name}" for sql, name in zip(values, names.values(), strict=True)]
        bindings = [binding for _, each in totals for binding in each]
        self._wrap(", ".join(columns), f" GROUP BY {', '.join(keys)}", before=bindings)
        self._names, self._order = names, {}

    def _total(self, total: BoundTotal) -> Condition:
        name = total.field.name
        if total.operator == "$count":
            return "count(*)", []
        if isinstance(total.source, Field):
            return _total_of(total.operator, self._name(total.source), total.source.kind, name)
        summand = max(-_BEYOND, min(_BEYOND, total.source or 0))  # beyond is beyond: the sum is refused either way
        return "headwater_sum(count(*) * ?, count(*) * ?, ?)", [summand >> 32, summand & _LOWER, name]

    def _fresh(self, columns: Sequence[str]) -> dict[str, str]:
        return {name: f"c{self._stage}_{place}" for place, name in enumerate(columns)}


def _total_of(operator: str, column: str, kind: Kind, name: str) -> Condition:
    """An aggregate over a column."""
    halves = f"coalesce(sum({column} >> 32), 0), coalesce(sum({column} & {_LOWER}), 0)"
    match operator:
        case "$min" | "$max":
            return f"{operator[1:]}({column})", []
        case "$addToSet":
            return f"json_group_array(DISTINCT {column} ORDER BY {column}) FILTER (WHERE {column} IS NOT NULL)", []
        case "$sum" if kind is Kind.REAL:
            return f"headwater_float_sum({column}, ?)", [name]
        case "$sum":
            return f"headwater_sum({halves}, ?)", [name]
        case _ if kind is Kind.REAL:
            return f"headwater_float_mean({column}, ?)", [name]
        case _ if kind is Kind.DECIMAL:
            return f"headwater_average({halves}, count({column}), ?)", [name]
        case _:
            return f"headwater_mean({halves}, count({column}))", []

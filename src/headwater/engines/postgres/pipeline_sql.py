"""Pipelines as SQL: one statement of nested subqueries, innermost the table.

Matches, sorts, limits and skips before any other stage see the table's own columns, so that its indexes serve them.
What follows sees scalars. Columns are then named by stage and place, never by the user. An order is no property of a
subquery in SQL: the columns it sorts by travel along beside the others, and are sorted by wherever rows are counted
off, and at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headwater.engines.postgres.bindings import Bindings, Query
from headwater.engines.postgres.columns import Columns, NativeColumns, ScalarColumns
from headwater.engines.postgres.criteria_sql import where
from headwater.engines.postgres.table import Table
from headwater.engines.postgres.total_sql import constant_sum, total_of
from headwater.models.fields import Field, Kind
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


def pipeline_sql(pipeline: BoundPipeline, table: Table) -> Query:
    """The statement that gives the scalars of what comes out of a pipeline, and its parameters."""
    rows = _Rows(table)
    for stage in pipeline.stages:
        rows.take(stage)
    return rows.select(pipeline.columns.values()), rows.bindings.values


class _Rows:
    """The statement so far."""

    def __init__(self, table: Table) -> None:
        self._namespace = table.namespace
        self._fields = table.fields
        self._stage = 0
        self._columns: Columns = NativeColumns()
        self._order: dict[str, str] = {}
        """What to sort by, each with its direction."""
        self._sql = f"SELECT {', '.join(table.columns)} FROM {table.name}"
        self.bindings = Bindings()

    def take(self, stage: BoundStage) -> None:
        self._stage += 1
        match stage:
            case BoundMatch(criteria):
                self._wrap("*", f" WHERE {where(criteria, self._columns, self.bindings)}")
            case BoundGroup():
                self._group(stage)
            case BoundSort(orders):
                self._sort(orders)
            case BoundLimit(rows):
                self._wrap("*", f"{self._order_by()} LIMIT {self.bindings.mark(rows, 'bigint')}")
            case BoundSkip(rows):
                self._wrap("*", f"{self._order_by()} OFFSET {self.bindings.mark(rows, 'bigint')}")
            case BoundProject(fields):
                self._project(fields)
            case BoundUnwind():
                self._unwind(stage)

    def select(self, fields: Iterable[Field]) -> str:
        """The whole statement: the columns in order, sorted."""
        columns = ", ".join(map(self._columns.scalar, fields))
        return f"SELECT {columns} FROM ({self._sql}) AS r{self._order_by()}"

    def _order_by(self) -> str:
        terms = ", ".join(name + way for name, way in self._order.items())
        return f" ORDER BY {terms}" if terms else ""

    def _wrap(self, columns: str, rest: str) -> None:
        """One level more."""
        self._sql = f"SELECT {columns} FROM ({self._sql}) AS r{rest}"

    def _sort(self, orders: Sequence[BoundOrder]) -> None:
        """Sorting is stable: what was sorted by before breaks the ties."""
        wanted: dict[str, str] = {}
        for order in orders:
            name = self._columns.name(order.field)
            wanted[name] = self._columns.order(order)[len(name) :]
        self._order = wanted | {name: way for name, way in self._order.items() if name not in wanted}

    def _name(self, names: dict[str, str], order: dict[str, str]) -> None:
        self._columns, self._order = ScalarColumns(names), order

    def _project(self, fields: Sequence[BoundColumn]) -> None:
        names = self._fresh([each.field.name for each in fields])
        columns = [f"{self._source(each)} AS {names[each.field.name]}" for each in fields]
        carried = {name: f"o{self._stage}_{place}" for place, name in enumerate(self._order)}
        columns += [f"{name} AS {new}" for name, new in carried.items()]
        self._wrap(", ".join(columns), "")
        self._name(names, {f"r.{carried[name]}": way for name, way in self._order.items()})

    def _unwind(self, stage: BoundUnwind) -> None:
        names = self._fresh(list(stage.columns))
        columns = [
            f"{_item(stage.field) if name == stage.field.name else self._columns.scalar(field)} AS {names[name]}"
            for name, field in stage.columns.items()
        ]
        array = f"json_array_elements_text({self._columns.scalar(stage.source)}::json)"
        self._wrap(", ".join(columns), f" CROSS JOIN LATERAL {array} AS item(value)")
        self._name(names, {})

    def _group(self, stage: BoundGroup) -> None:
        names = self._fresh(list(stage.columns))
        keys = [self._source(key) for key in stage.keys]
        values = [*keys, *map(self._total, stage.totals)]
        columns = [f"{sql} AS {name}" for sql, name in zip(values, names.values(), strict=True)]
        self._wrap(", ".join(columns), f" GROUP BY {', '.join(keys)}")
        self._name(names, {})

    def _source(self, column: BoundColumn) -> str:
        return "NULL::text" if column.source is None else self._columns.scalar(column.source)

    def _total(self, total: BoundTotal) -> str:
        if total.operator == "$count":
            return "count(*)"
        if isinstance(total.source, Field):
            return total_of(total.operator, self._columns.scalar(total.source), total.source.kind, self._namespace)
        return constant_sum(total.source or 0, self.bindings)

    def _fresh(self, columns: Sequence[str]) -> dict[str, str]:
        return {name: f"c{self._stage}_{place}" for place, name in enumerate(columns)}


def _item(field: Field) -> str:
    """The scalar of an item, which comes as text."""
    match field.kind:
        case Kind.INTEGER | Kind.DECIMAL | Kind.DATETIME:
            return "item.value::bigint"
        case Kind.BOOLEAN:
            return "item.value::boolean::integer::bigint"
        case Kind.REAL:
            return "item.value::double precision"
        case _:
            return 'item.value COLLATE "C"'

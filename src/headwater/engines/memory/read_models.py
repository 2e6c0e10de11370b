"""ReadModels: reads of the rows in memory, by the reference evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar, cast

from headwater.engines.memory.rows import Rows, Table
from headwater.engines.memory.state import Part
from headwater.models.binding import AllOf, BoundCriteria, Comparison, OneOf, bind
from headwater.models.criteria import Criteria
from headwater.models.evaluate import Row, finds, matcher, ordered
from headwater.models.evaluate_pipeline import evaluate_pipeline
from headwater.models.fields import Scalar
from headwater.models.model import ReadModel
from headwater.models.ordering import bind_orders
from headwater.models.pipeline import Pipeline
from headwater.models.pipeline_binding import bind_pipeline, output
from headwater.models.selection import Selection, bind_selection

__all__ = ["MemoryReadModels"]

M = TypeVar("M", bound=ReadModel)


class MemoryReadModels(Part):
    @property
    def _rows(self) -> Rows:
        return self._state.rows

    async def get(self, model: type[M], key: object) -> M | None:
        table = self._rows.table(model)
        row = table.rows.get(table.schema.key_scalar(key))
        return None if row is None else cast("M", table.schema.to_row(row))

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        table = self._rows.table(model)
        bound = bind_selection(selection, table.schema)
        found = ordered(_matching(table, bound.criteria), bound.order, table.schema.fields)
        end = None if bound.limit is None else bound.skip + bound.limit
        return [cast("M", table.schema.to_row(row)) for row in found[bound.skip : end]]

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        table = self._rows.table(model)
        return len(_matching(table, bind(criteria, table.schema.fields)))

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        table = self._rows.table(model)
        schema = table.schema
        places = [schema.names.index(name) for name in schema.searchable(fields)]
        found = [row for row in table.rows.values() if finds(tokens, [row[place] for place in places])]
        by_key = ordered(found, bind_orders((), schema.fields, schema.key), schema.fields)
        return [cast("M", schema.to_row(row)) for row in by_key[:limit]]

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        table = self._rows.table(model)
        bound = bind_pipeline(pipeline, table.schema)
        return list(map(output(bound.columns), evaluate_pipeline(bound, table.rows.values())))


def _matching(table: Table, criteria: BoundCriteria) -> list[Row]:
    candidates = _candidates(table, criteria)
    rows = table.rows.values() if candidates is None else [table.rows[key] for key in candidates]
    return list(filter(matcher(criteria, table.schema.fields), rows))


def _candidates(table: Table, criteria: BoundCriteria) -> Iterable[Scalar] | None:
    """Keys among which all that match are; None for all rows."""
    match criteria:
        case Comparison(field, "==", scalar):
            return table.keys_of(field.name, scalar)
        case OneOf(field, scalars):
            found = [table.keys_of(field.name, scalar) for scalar in scalars]
            return None if None in found else [key for keys in found if keys is not None for key in keys]
        case AllOf(parts):
            return next((keys for keys in (_candidates(table, part) for part in parts) if keys is not None), None)
        case _:
            return None

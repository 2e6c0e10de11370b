"""Overlay: reads of rows as they will be once pending changes are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar, cast

from headwater.models.binding import bind
from headwater.models.changes import Change, Delete, Insert, apply
from headwater.models.criteria import And, Criteria, In
from headwater.models.evaluate import Row, finds, matcher, ordered
from headwater.models.evaluate_pipeline import evaluate_pipeline
from headwater.models.model import ReadModel, Schema, schema_of
from headwater.models.ordering import bind_orders
from headwater.models.pipeline import Match, Pipeline
from headwater.models.pipeline_binding import bind_pipeline, output
from headwater.models.selection import Selection, bind_selection
from headwater.ports.read_models import ReadModels

__all__ = ["Overlay", "Pending"]

M = TypeVar("M", bound=ReadModel)
Pending: TypeAlias = Callable[[type[ReadModel]], Mapping[object, Sequence[Change]]]
"""The changes of a model's rows that are not written yet, by key, each list in order."""

_KEYS_AT_ONCE: Final = 1_000


class Overlay:
    """A ReadModels that sees pending changes exactly.

    Rows of the store whose keys have none, merged with those that have, evaluated by the reference meaning. A
    `find` with a limit reads that many rows more as there are pending keys; pipelines read what their leading
    matches leave.
    """

    def __init__(self, reader: ReadModels, pending: Pending) -> None:
        self._reader = reader
        self._pending = pending

    async def get(self, model: type[M], key: object) -> M | None:
        schema_of(model).key_scalar(key)  # refuses what a mapping of keys would take: True for 1
        changes = self._pending(model).get(key)
        if not changes:
            return await self._reader.get(model, key)
        row = None if _needs_no_row(changes) else await self._reader.get(model, key)
        return _settled(model, _applied(changes, row))

    async def find(self, model: type[M], selection: Selection) -> Sequence[M]:
        pending = dict(self._pending(model))
        if not pending:
            return await self._reader.find(model, selection)
        schema = schema_of(model)
        bound = bind_selection(selection, schema)
        end = None if bound.limit is None else bound.skip + bound.limit
        enough = None if end is None else end + len(pending)
        found = await self._reader.find(
            model, Selection(criteria=selection.criteria, order=selection.order, limit=enough)
        )
        test = matcher(bound.criteria, schema.fields)
        rows = [*_others(schema, found, pending), *filter(test, await self._changed(schema, pending))]
        return _rows(model, schema, ordered(rows, bound.order, schema.fields)[bound.skip : end])

    async def count(self, model: type[ReadModel], criteria: Criteria) -> int:
        pending = dict(self._pending(model))
        total = await self._reader.count(model, criteria)
        if not pending:
            return total
        schema = schema_of(model)
        for keys in _chunks(list(pending)):
            total -= await self._reader.count(model, And((criteria, In(schema.key, keys))))
        test = matcher(bind(criteria, schema.fields), schema.fields)
        return total + sum(map(test, await self._changed(schema, pending)))

    async def search(self, model: type[M], fields: Sequence[str], tokens: Sequence[str], limit: int) -> Sequence[M]:
        pending = dict(self._pending(model))
        if not pending:
            return await self._reader.search(model, fields, tokens, limit)
        schema = schema_of(model)
        places = [schema.names.index(name) for name in schema.searchable(fields)]
        found = await self._reader.search(model, fields, tokens, limit + len(pending))
        changed = await self._changed(schema, pending)
        meant = [row for row in changed if finds(tokens, [row[place] for place in places])]
        by_key = bind_orders((), schema.fields, schema.key)
        rows = ordered([*_others(schema, found, pending), *meant], by_key, schema.fields)
        return _rows(model, schema, rows[:limit])

    async def aggregate(self, model: type[ReadModel], pipeline: Pipeline) -> Sequence[Mapping[str, object]]:
        pending = dict(self._pending(model))
        if not pending:
            return await self._reader.aggregate(model, pipeline)
        schema = schema_of(model)
        bound = bind_pipeline(pipeline, schema)
        found = await self._reader.find(model, Selection(criteria=_leading_matches(pipeline)))
        rows = [*_others(schema, found, pending), *await self._changed(schema, pending)]
        return list(map(output(bound.columns), evaluate_pipeline(bound, rows)))

    async def _changed(self, schema: Schema, pending: Mapping[object, Sequence[Change]]) -> list[Row]:
        """The rows of the pending keys as they will be."""
        asked = [key for key, changes in pending.items() if not _needs_no_row(changes)]
        before: dict[object, ReadModel] = {}
        for keys in _chunks(asked):
            found = await self._reader.find(schema.model, Selection(criteria=In(schema.key, keys)))
            before.update({schema.key_of(row): row for row in found})
        after = [_applied(changes, before.get(key)) for key, changes in pending.items()]
        return [schema.to_scalars(row) for row in after if row is not None]


def _needs_no_row(changes: Sequence[Change]) -> bool:
    """True if the outcome is the same whatever row is there."""
    return any(isinstance(change, Insert | Delete) for change in changes)


def _applied(changes: Sequence[Change], row: ReadModel | None) -> ReadModel | None:
    for change in changes:
        row = apply(change, row)
    return row


def _settled(model: type[M], row: ReadModel | None) -> M | None:
    """The row as it comes back from a store: in UTC, and sharing no list with the row that was handed in."""
    schema = schema_of(model)
    return None if row is None else cast("M", schema.to_row(schema.to_scalars(row)))


def _others(schema: Schema, found: Sequence[ReadModel], pending: Mapping[object, object]) -> list[Row]:
    return [schema.to_scalars(row) for row in found if schema.key_of(row) not in pending]


def _rows(model: type[M], schema: Schema, rows: Sequence[Row]) -> list[M]:
    return [cast("M", schema.to_row(row)) for row in rows]


def _leading_matches(pipeline: Pipeline) -> Criteria:
    criteria: list[Criteria] = []
    for stage in pipeline:
        if not isinstance(stage, Match):
            break
        criteria.append(stage.criteria)
    return And(tuple(criteria))


def _chunks(keys: Sequence[object]) -> list[tuple[object, ...]]:
    return [tuple(keys[start : start + _KEYS_AT_ONCE]) for start in range(0, len(keys), _KEYS_AT_ONCE)]

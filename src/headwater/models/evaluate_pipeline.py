"""Evaluation of pipelines on scalars: their reference meaning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

import msgspec

from headwater.errors import InvalidCriteria
from headwater.models.evaluate import Row, items, matcher, ordered
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.pipeline_binding import (
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

__all__ = ["checked_sum", "evaluate_pipeline", "finite_sum", "rounded_average"]

_AVERAGE_SHIFT: Final = 10_000


def evaluate_pipeline(pipeline: BoundPipeline, rows: Iterable[Row]) -> list[Row]:
    """What comes out of a pipeline that these rows go into."""
    columns, result = pipeline.source, list(rows)
    for stage in pipeline.stages:
        result = _evaluate(stage, columns, result)
        columns = stage.columns
    return result


def checked_sum(total: int, name: str) -> int:
    """The total; raises InvalidCriteria if no engine could hold it in 64 bits."""
    if not -(2**63) <= total < 2**63:
        raise InvalidCriteria(f"the sum {name!r} does not fit 64 bits: match fewer rows")
    return total


def finite_sum(numbers: Iterable[float], name: str) -> float:
    """The exact sum rounded once, whatever the order of the rows; raises InvalidCriteria if no float holds it."""
    try:
        return math.fsum(numbers)
    except OverflowError:
        raise InvalidCriteria(f"the sum {name!r} is no finite float: match fewer rows") from None


def rounded_average(units: int, count: int) -> int:
    """The average of Decimals in units with four more digits, half rounded away from zero."""
    magnitude = (2 * abs(units) * _AVERAGE_SHIFT + count) // (2 * count)
    return magnitude if units >= 0 else -magnitude


def _evaluate(stage: BoundStage, columns: Mapping[str, Field], rows: list[Row]) -> list[Row]:
    match stage:
        case BoundMatch(criteria):
            return list(filter(matcher(criteria, columns), rows))
        case BoundGroup():
            return _group(stage, columns, rows)
        case BoundSort(orders):
            return ordered(rows, orders, columns)
        case BoundLimit(limit):
            return rows[:limit]
        case BoundSkip(skip):
            return rows[skip:]
        case BoundProject(fields):
            places = [_place(columns, each.source) for each in fields]
            return [_taken(row, places) for row in rows]
        case BoundUnwind(source):
            place = cast("int", _place(columns, source))
            return [(*row[:place], item, *row[place + 1 :]) for row in rows for item in items(source, row[place])]


def _group(stage: BoundGroup, columns: Mapping[str, Field], rows: list[Row]) -> list[Row]:
    places = [_place(columns, key.source) for key in stage.keys]
    groups: dict[Row, list[Row]] = {}
    for row in rows:
        groups.setdefault(_taken(row, places), []).append(row)
    return [(*key, *[_total(total, columns, members) for total in stage.totals]) for key, members in groups.items()]


def _total(total: BoundTotal, columns: Mapping[str, Field], rows: Sequence[Row]) -> Scalar:
    if not isinstance(total.source, Field):
        return checked_sum(len(rows) * (1 if total.source is None else total.source), total.field.name)
    place = cast("int", _place(columns, total.source))
    present = [row[place] for row in rows if row[place] is not None]
    match total.operator:
        case "$sum":
            return _sum(total.field, present)
        case "$avg":
            return _average(total.field, present)
        case "$addToSet":
            return msgspec.json.encode(sorted(cast("set[str]", set(present)))).decode()
        case "$min":
            return min(cast("list[str]", present), default=None)
        case _:
            return max(cast("list[str]", present), default=None)


def _sum(field: Field, scalars: Sequence[Scalar]) -> Scalar:
    if field.kind is Kind.REAL:
        return finite_sum(cast("Sequence[float]", scalars), field.name)
    return checked_sum(sum(cast("Sequence[int]", scalars)), field.name)


def _average(field: Field, scalars: Sequence[Scalar]) -> Scalar:
    if not scalars:
        return None
    if field.kind is Kind.DECIMAL:
        return checked_sum(rounded_average(sum(cast("Sequence[int]", scalars)), len(scalars)), field.name)
    if isinstance(scalars[0], int):
        return float(sum(cast("Sequence[int]", scalars))) / len(scalars)
    return finite_sum(cast("Sequence[float]", scalars), field.name) / len(scalars)


def _place(columns: Mapping[str, Field], field: Field | None) -> int | None:
    return None if field is None else list(columns).index(field.name)


def _taken(row: Row, places: Sequence[int | None]) -> Row:
    return tuple([None if place is None else row[place] for place in places])

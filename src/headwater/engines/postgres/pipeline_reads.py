"""Reads of what pipelines make of the rows of one table."""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import asyncpg
import msgspec

from headwater.engines.postgres.connection import Connection, Row
from headwater.engines.postgres.pipeline_sql import pipeline_sql
from headwater.engines.postgres.table import Table
from headwater.engines.postgres.table_reads import read
from headwater.errors import InvalidCriteria
from headwater.models.fields import Kind, Scalar
from headwater.models.pipeline_binding import BoundGroup, BoundPipeline, output

__all__ = ["aggregated"]


async def aggregated(connection: Connection, table: Table, pipeline: BoundPipeline) -> list[dict[str, object]]:
    """What a pipeline gives; raises InvalidCriteria for a sum out of range."""
    try:
        found = await read(connection, table, pipeline_sql(pipeline, table))
    except asyncpg.NumericValueOutOfRangeError as error:
        raise _out_of_range(pipeline) from error
    fields = list(pipeline.columns.values())
    floats = [
        place
        for place, each in enumerate(fields)
        if each.kind is Kind.SET and each.items and each.items.kind is Kind.REAL
    ]
    decode = output(pipeline.columns)
    return [decode(_with_floats(row, floats) if floats else cast("Sequence[Scalar]", row)) for row in found]


def _with_floats(row: Row, places: Sequence[int]) -> Sequence[Scalar]:
    """The row with its sets of floats read as such: PostgreSQL writes 1.0 as 1."""
    scalars = cast("list[Scalar]", list(row))
    for place in places:
        numbers = msgspec.json.decode(cast("str", scalars[place]), type=list[float])
        scalars[place] = msgspec.json.encode(numbers).decode()
    return scalars


def _out_of_range(pipeline: BoundPipeline) -> InvalidCriteria:
    sums = [
        total.field.name
        for stage in pipeline.stages
        if isinstance(stage, BoundGroup)
        for total in stage.totals
        if total.operator in {"$sum", "$avg"}
    ]
    names = " or ".join(map(repr, sums))
    return InvalidCriteria(f"the sum {names} does not fit 64 bits, or is no finite float: match fewer rows")

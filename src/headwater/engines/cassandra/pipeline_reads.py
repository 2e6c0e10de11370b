"""Pipelines: what goes into one is streamed, as far as it is matched first; the rest is the reference evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.engines.cassandra.found_rows import FoundRows
from headwater.engines.cassandra.table import Table
from headwater.models.binding import AllOf
from headwater.models.evaluate import Row
from headwater.models.evaluate_pipeline import evaluate_pipeline
from headwater.models.pipeline_binding import BoundMatch, BoundPipeline

__all__ = ["aggregated"]


async def aggregated(rows: FoundRows, table: Table, pipeline: BoundPipeline) -> Sequence[Row]:
    """What comes out of a pipeline; raises InvalidCriteria where it takes a look at too many rows."""
    matches = [stage.criteria for stage in pipeline.stages if isinstance(stage, BoundMatch)]
    first = next((at for at, stage in enumerate(pipeline.stages) if not isinstance(stage, BoundMatch)), len(matches))
    found = [row async for page in rows.matching(table, AllOf(tuple(matches[:first]))) for row in page]
    return evaluate_pipeline(BoundPipeline(pipeline.source, pipeline.stages[first:]), found)

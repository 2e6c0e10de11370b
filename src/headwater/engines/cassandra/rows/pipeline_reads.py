"""Pipelines: rows go into one page by page, as far as its stages take them one by one; what they are grouped or put in
order by is kept, and no row above those that are wanted. The rest is the reference evaluation of what came out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from itertools import takewhile
from typing import Final

from headwater.engines.cassandra.rows.found_rows import FoundRows
from headwater.engines.cassandra.rows.group_totals import GroupTotals
from headwater.engines.cassandra.rows.table import Table
from headwater.models.binding import AllOf
from headwater.models.evaluate import Row, ordered
from headwater.models.evaluate_pipeline import evaluate_pipeline
from headwater.models.pipeline_binding import (
    BoundGroup,
    BoundLimit,
    BoundMatch,
    BoundPipeline,
    BoundProject,
    BoundSkip,
    BoundSort,
    BoundStage,
    BoundUnwind,
)

__all__ = ["aggregated"]

_MOST_HELD: Final = 200_000
"""Groups, and values in them."""
_AHEAD: Final = 1_000
"""Rows kept above those that are wanted, before they are put in order."""

_Pages = AsyncGenerator[list[Row], None]


async def aggregated(rows: FoundRows, table: Table, pipeline: BoundPipeline) -> Sequence[Row]:
    """What comes out of a pipeline; raises InvalidCriteria where it takes a look at too many rows."""
    matches = list(takewhile(lambda stage: isinstance(stage, BoundMatch), pipeline.stages))
    criteria = AllOf(tuple([stage.criteria for stage in matches if isinstance(stage, BoundMatch)]))
    single = list(takewhile(_takes_rows_singly, pipeline.stages))
    one_by_one = BoundPipeline(pipeline.source, tuple(single[len(matches) :]))
    found = _each(rows.matching(table, criteria), one_by_one)
    rest, columns = pipeline.stages[len(single) :], one_by_one.columns
    if rest and isinstance(rest[0], BoundGroup):
        totals = GroupTotals(rest[0], columns, _MOST_HELD)
        async for page in found:
            totals.add(page)
        return evaluate_pipeline(BoundPipeline(rest[0].columns, rest[1:]), totals.rows())
    kept: list[Row] = []
    end = _end(rest)
    async for page in found:
        kept += page
        if end is not None and len(kept) > 2 * end + _AHEAD and isinstance(rest[0], BoundSort):
            kept = ordered(kept, rest[0].orders, columns)[:end]
    return evaluate_pipeline(BoundPipeline(columns, rest), kept)


async def _each(pages: _Pages, stages: BoundPipeline) -> _Pages:
    async for page in pages:
        yield evaluate_pipeline(stages, page)


def _takes_rows_singly(stage: BoundStage) -> bool:
    return isinstance(stage, BoundMatch | BoundProject | BoundUnwind)


def _end(stages: Sequence[BoundStage]) -> int | None:
    """How many rows of an order are wanted; None for all."""
    if len(stages) > 1 and isinstance(stages[0], BoundSort):
        skip = stages[1].rows if isinstance(stages[1], BoundSkip) else 0
        for stage in stages[1:3]:
            if isinstance(stage, BoundLimit):
                return skip + stage.rows
    return None

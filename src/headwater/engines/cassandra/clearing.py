"""Clearing: what nobody's generation is any longer is taken away, by whoever comes by if its last owner did not."""

from __future__ import annotations

from headwater.engines.cassandra.conditions import CassandraConditions
from headwater.engines.cassandra.rows.row_counts import RowCounts
from headwater.engines.cassandra.rows.rows import Rows
from headwater.engines.cassandra.stage import Leaving, Stage
from headwater.engines.cassandra.tables.generation_table import GenerationTable
from headwater.engines.cassandra.tables.place_table import PlaceTable

__all__ = ["Clearing"]


class Clearing:
    def __init__(
        self,
        generations: GenerationTable,
        places: PlaceTable,
        conditions: CassandraConditions,
        rows: Rows,
        counts: RowCounts,
    ) -> None:
        self._generations = generations
        self._places = places
        self._conditions = conditions
        self._rows = rows
        self._counts = counts

    async def clear(self, projection: str) -> None:
        """Take away all that has left; again where that was broken off, so each step may be taken twice."""
        for left in (await self._generations.read(projection)).tables.leaving:
            await self._take_away(left)

            def cleared(stage: Stage, left: Leaving = left) -> tuple[Stage, None]:
                return stage.cleared(left), None

            await self._generations.change(projection, cleared)

    async def _take_away(self, left: Leaving) -> None:
        if left.generation is not None:
            for key in await self._places.keys(left.projection, left.generation):
                await self._places.forget(key)
            await self._conditions.forget(left.projection, left.generation)
        for name, number in left.tables:
            await self._rows.drop([name], number)
            await self._counts.forget((name, number))

"""Writing: a projection's changes, each at the time of its event, into the tables of its generation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from headwater.engines.cassandra.log_times import LogTimes
from headwater.engines.cassandra.rows.row_counts import RowCounts, TableKey
from headwater.engines.cassandra.rows.row_work import Placed
from headwater.engines.cassandra.rows.rows import Rows, RowsPlan
from headwater.engines.cassandra.rows.table import unknown
from headwater.engines.cassandra.stage import Filling, Stage
from headwater.engines.cassandra.tables.place_table import Mark
from headwater.errors import InvalidMessage
from headwater.models.changes import Change, Delete, apply
from headwater.models.model import ReadModel, schema_of
from headwater.ports.place import Place
from headwater.ports.projection_store import ProjectionCommit

__all__ = ["OF_NO_EVENT", "Plan", "Writing", "check_changes", "takes_away"]

OF_NO_EVENT: Final = -1
"""In the place of an offset: what takes a row away, so that its events are handled once more."""
_MOST_PARTITIONS: Final = 65_536
_MOST_RANGES: Final = 32_768


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written for a place."""

    place: Place
    epoch: int
    tables: set[TableKey]
    rows: Sequence[RowsPlan]


class Writing:
    def __init__(self, rows: Rows, counts: RowCounts, times: LogTimes) -> None:
        self._rows = rows
        self._counts = counts
        self._times = times

    async def plan(self, commit: ProjectionCommit, stage: Stage, filling: Filling, mark: Mark) -> Plan:
        """Of a batch whose checkpoint stands at `mark`. Raises InvalidMessage for a change that does not fit."""
        place = commit.place
        offsets = commit.offsets or [_offset_of_all(commit)] * len(commit.changes)
        times = await self._times.of(place.partition, offsets)
        replayed = set(commit.unparked) if not takes_away(commit) else set[int]()
        placed = [
            Placed(change=change, offset=offset, log_time=times.get(offset, 0), is_replayed=offset in replayed)
            for change, offset in zip(commit.changes, offsets, strict=True)
        ]
        return await self._plan(placed, stage, filling, place, commit.epoch, mark.era)

    async def write(self, plan: Plan) -> None:
        """What was planned; once more, it changes nothing."""
        for rows in plan.rows:
            await self._rows.write(rows)
        await self._counts.at(plan.place, plan.epoch, plan.tables)

    async def take_away(
        self, changes: Sequence[Change], stage: Stage, filling: Filling, place: Place, mark: Mark
    ) -> None:
        """What a reset takes away from the rows of a place: whatever they were, they have none of its events."""
        placed = [Placed(change=change, offset=OF_NO_EVENT, log_time=0) for change in changes]
        others = [each.change for each in placed if not isinstance(each.change, Delete)]
        placed += [Placed(change=change, offset=0, log_time=0) for change in others]
        await self.write(await self._plan(placed, stage, filling, place, mark.epoch, mark.era))

    async def _plan(
        self, placed: Sequence[Placed], stage: Stage, filling: Filling, place: Place, epoch: int, era: int
    ) -> Plan:
        by_number: dict[int, list[Placed]] = {}
        for each in placed:
            by_number.setdefault(_number(stage, filling, each.change.model), []).append(each)
        models = {each.change.model for each in placed}
        return Plan(
            place=place,
            epoch=epoch,
            tables={(str(schema_of(model).table), _number(stage, filling, model)) for model in models},
            rows=[await self._rows.plan(mine, number, _part(place), era) for number, mine in by_number.items()],
        )


def takes_away(commit: ProjectionCommit) -> bool:
    """Whether rows are begun anew by it, and events below the checkpoint handled once more."""
    return OF_NO_EVENT in commit.offsets


def check_changes(changes: Iterable[Change]) -> None:
    """Raises InvalidMessage for one that cannot be made of a row that is not there."""
    for change in changes:
        row = apply(change, None)
        if row is not None:
            schema_of(change.model).check(row)


def _offset_of_all(commit: ProjectionCommit) -> int:
    """The event that changes are of where none is told: the last of the batch, or that of what is no longer parked."""
    return commit.unparked[-1] if commit.unparked else max(0, commit.next - 1)


def _part(place: Place) -> int:
    """The number of what has a checkpoint of its own. Raises InvalidMessage beyond what a row can name."""
    if place.partition >= _MOST_PARTITIONS or place.key_range >= _MOST_RANGES:
        raise InvalidMessage("rows on Cassandra name up to 65,536 partitions and 32,768 ranges of keys")
    return place.key_range * _MOST_PARTITIONS + place.partition


def _number(stage: Stage, filling: Filling, model: type[ReadModel]) -> int:
    number = stage.number_of(filling, str(schema_of(model).table))
    if number is None:
        raise unknown(model)
    return number

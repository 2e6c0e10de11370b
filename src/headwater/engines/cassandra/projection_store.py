"""ProjectionStore: a page is decided, its rows are written, each at the time of its events, then the checkpoint moves.

Nothing is undone where the last step is not taken: whoever goes on from the checkpoint that is there knows which events
were handled, and writes the same cells once more. Which tables a generation has is looked at before the checkpoint is,
and changed between two moves of all checkpoints: so nobody moves one on for rows that went into a table that is no
longer the generation's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from headwater.engines.cassandra.clearing import Clearing
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.parking import steps_of_parked, steps_of_unparked
from headwater.engines.cassandra.rows.row_counts import RowCounts
from headwater.engines.cassandra.rows.rows import Rows
from headwater.engines.cassandra.rows.served_tables import ServedTables
from headwater.engines.cassandra.rows.writing import Writing, check_changes, takes_away
from headwater.engines.cassandra.session import Session, Step
from headwater.engines.cassandra.stage import Filling, Stage
from headwater.engines.cassandra.tables.generation_table import GenerationTable
from headwater.engines.cassandra.tables.place_table import Mark, PartKey, PlaceTable, checkpoint_of, part_key
from headwater.engines.sql.commit_form import check_commit, check_place, check_reset, conflict
from headwater.engines.sql.kept_generations import known_or_conflict
from headwater.errors import CheckpointConflict, StoreBusy, UnknownName
from headwater.models.changes import Change
from headwater.models.model import schema_of
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, DecidedPage, ProjectionCommit, Reset

__all__ = ["CassandraProjectionStore"]

replace = msgspec.structs.replace

_TRIES: Final = 50


class CassandraProjectionStore:
    by_event: Final = True

    def __init__(
        self,
        session: Session,
        log: CassandraLog,
        places: PlaceTable,
        generations: GenerationTable,
        served: ServedTables,
        rows: Rows,
        writing: Writing,
        counts: RowCounts,
        clearing: Clearing,
        committed: Callable[[], None],
    ) -> None:
        self._session = session
        self._log = log
        self._places = places
        self._generations = generations
        self._served = served
        self._rows = rows
        self._writing = writing
        self._counts = counts
        self._clearing = clearing
        self._committed = committed
        self._left = dict[Place, Mark]()
        """Where commits of this store have left checkpoints: others may have moved them since."""

    async def checkpoint(self, place: Place) -> Checkpoint:
        check_place(place)
        stage = await self._generations.read(place.projection)
        _known(stage, place.generation)
        return _checkpoint(place, await self._places.read(place))

    async def checkpoints(self, projection: str | None = None) -> Sequence[Checkpoint]:
        stages = {stage.projection: stage for stage in await self._generations.all()}
        keys = [key for key in await self._places.keys(projection) if key[1] in stages.get(key[0], Stage(key[0])).known]
        parts = await asyncio.gather(*[self._places.read_part(key) for key in keys])
        found = [
            checkpoint_of(key, number, mark)
            for key, marks in zip(keys, parts, strict=True)
            for number, mark in marks.items()
        ]
        return sorted(found, key=lambda checkpoint: checkpoint.place)

    async def commit(self, commit: ProjectionCommit) -> None:
        check_commit(commit)
        left = self._left.pop(commit.place, None)
        try:
            await self._commit(commit, left)
        except CheckpointConflict:
            if left is None:
                raise
            await self._commit(commit, None)
        self._committed()

    async def write(self, changes: Sequence[Change]) -> None:
        if changes:
            await self._rows.write_direct(changes)
            models = {change.model for change in changes}
            await self._counts.anywhere(
                [(str(schema_of(model).table), await self._served.number(model)) for model in models]
            )
            self._committed()

    async def reset(self, reset: Reset) -> None:
        check_reset(reset)
        check_changes(reset.changes)
        filling = _known(await self._generations.read(reset.projection), reset.generation)
        await self._fence(reset, filling)
        if reset.partition is None:
            await self._empty(reset)
        if reset.changes:
            await self._take_away(reset)
        await self._fence(reset, filling)
        await self._clearing.clear(reset.projection)
        self._committed()

    # -- commits -----------------------------------------------------------------

    async def _commit(self, commit: ProjectionCommit, left: Mark | None) -> None:
        place = commit.place
        stage = await self._generations.read(place.projection)
        filling = _known(stage, place.generation)
        mark = await self._mark(commit, left)
        if takes_away(commit):
            mark = await self._next_era(commit, mark)
        if commit.changes:
            mark = await self._write(commit, stage, filling, mark)
        await self._move(commit, mark)

    async def _write(self, commit: ProjectionCommit, stage: Stage, filling: Filling, mark: Mark | None) -> Mark | None:
        """Rows, once everything fits and whoever goes on after us would write the same."""
        try:
            plan = await self._writing.plan(commit, stage, filling, mark or Mark())
            if commit.next > commit.start and not commit.finishes:
                mark = await self._decide(commit, mark)
            await self._writing.write(plan)
        except UnknownName:
            await self._mark(commit)  # where its generation has gone, that is what is to be said
            raise
        return mark

    async def _decide(self, commit: ProjectionCommit, mark: Mark | None) -> Mark:
        """Which events made these changes, with what is parked of the others."""
        wanted = (mark or Mark()).deciding(commit.next, commit.epoch, commit.left_out)
        await self._exchange(commit, mark, wanted, *await self._parked_steps(commit))
        return wanted

    async def _mark(self, commit: ProjectionCommit, left: Mark | None = None) -> Mark | None:
        """Where the checkpoint stands, or was `left`; raises CheckpointConflict where the batch was made from another.

        Where it has been moved since, what is compared and set from it is refused.
        """
        mark = left or await self._places.read(commit.place, serially=True)
        kept = mark or Mark()
        if kept.offset != commit.start or kept.epoch > commit.epoch or not _may_come(commit, kept.page):
            raise conflict(_checkpoint(commit.place, mark), commit)
        return mark

    async def _next_era(self, commit: ProjectionCommit, mark: Mark | None) -> Mark:
        """Before any row is begun anew: what is written at this place from now on wins over what was before."""
        kept = mark or Mark()
        wanted = replace(kept, epoch=commit.epoch, era=kept.era + 1)
        await self._exchange(commit, mark, wanted)
        return wanted

    async def _move(self, commit: ProjectionCommit, mark: Mark | None) -> None:
        kept = mark or Mark()
        steps = [] if kept.page is not None else await self._parked_steps(commit)
        wanted = kept.moved(commit.next, commit.epoch, commit.effects)
        await self._exchange(commit, mark, wanted, *steps)
        self._left[commit.place] = wanted

    async def _parked_steps(self, commit: ProjectionCommit) -> list[Step]:
        """What changes with the checkpoint of what is parked."""
        gone = [offset for offset in commit.unparked if offset not in {event.offset for event in commit.parked}]
        steps = steps_of_unparked(part_key(commit.place), gone)
        if commit.parked:
            steps += await steps_of_parked(self._session, commit.parked, frozenset(commit.unparked))
        return steps

    async def _exchange(self, commit: ProjectionCommit, seen: Mark | None, wanted: Mark, *steps: Step) -> None:
        key, number = part_key(commit.place), commit.place.key_range
        marks = {} if seen is None else {number: seen}
        if not await self._places.exchange(key, marks, {number: wanted}, steps):
            raise conflict(_checkpoint(commit.place, await self._places.read(commit.place)), commit)

    # -- resets ------------------------------------------------------------------

    async def _fence(self, reset: Reset, filling: Filling) -> None:
        """All checkpoints to 0 under the epoch, those of places that never ran, too; and what is parked goes."""
        keys = set(await self._places.keys(reset.projection, reset.generation))
        if reset.partition is None:
            keys |= {(reset.projection, reset.generation, part) for part in range(self._log.partitions)}
        else:
            keys = {(reset.projection, reset.generation, reset.partition)}
        await asyncio.gather(*[self._fence_part(key, filling.generation.key_ranges, reset.epoch) for key in keys])

    async def _fence_part(self, key: PartKey, key_ranges: int, epoch: int) -> None:
        for _ in range(_TRIES):
            seen = await self._places.read_part(key, serially=True)
            era = max([0, *[mark.era for mark in seen.values()]]) + 1
            wanted = {
                number: Mark(0, epoch, seen.get(number, Mark()).effects, era)
                for number in sorted({*range(key_ranges), *seen})
            }
            if await self._places.exchange(key, seen, wanted, [("drop_all_parked", key)]):
                return
        raise StoreBusy(f"others move the checkpoints of {key[0]!r} all the time: try again later")

    async def _empty(self, reset: Reset) -> None:
        """Other tables, made beforehand, in the place of the generation's."""
        names = [str(schema_of(model).table) for model in reset.models]
        if not names:
            return
        number = await self._generations.change(reset.projection, _numbered)
        await self._rows.ensure(reset.models, number)

        def refill(stage: Stage) -> tuple[Stage, None]:
            return stage.refilled(_known(stage, reset.generation), names, number), None

        await self._generations.change(reset.projection, refill)
        self._served.forget()

    async def _take_away(self, reset: Reset) -> None:
        stage = await self._generations.read(reset.projection)
        filling = _known(stage, reset.generation)
        key = reset.projection, reset.generation, reset.partition or 0
        for number, mark in (await self._places.read_part(key, serially=True)).items():
            place = Place(reset.projection, key[2], reset.generation, number)
            await self._writing.take_away(reset.changes, stage, filling, place, mark)


def _known(stage: Stage, number: int) -> Filling:
    """The generation of this number; raises CheckpointConflict where it is not known, or no longer."""
    known_or_conflict(stage.kept, stage.projection, number)
    return stage.known[number]


def _may_come(commit: ProjectionCommit, page: DecidedPage | None) -> bool:
    """False where something is to be finished first, and for what would finish what is not there."""
    if page is None:
        return not commit.finishes
    if commit.finishes:
        return commit.next == page.next and not commit.parked and not commit.unparked
    return commit.next == commit.start and not commit.changes and not commit.parked and not commit.unparked


def _numbered(stage: Stage) -> tuple[Stage, int]:
    after = stage.numbered()
    return after, after.tables.numbers


def _checkpoint(place: Place, mark: Mark | None) -> Checkpoint:
    return checkpoint_of(part_key(place), place.key_range, mark or Mark())

"""ProjectionStore: checkpoints in the file that holds the read models."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence

import apsw

from headwater.engines.sql.commit_form import check_commit, check_place, check_reset, conflict
from headwater.engines.sql.kept_generations import known_or_conflict
from headwater.engines.sqlite.changes import apply_changes
from headwater.engines.sqlite.checkpoints import listed_checkpoints, read_checkpoint, write_checkpoints
from headwater.engines.sqlite.generation_states import GenerationStates, generations_of
from headwater.engines.sqlite.parking import set_aside
from headwater.engines.sqlite.read_model_schema import make_anew
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.table import table_of
from headwater.engines.sqlite.writer import Writer
from headwater.models.changes import Change
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit, Reset

__all__ = ["SqliteProjectionStore"]


class SqliteProjectionStore:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers, states: GenerationStates) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers
        self._states = states
        self._move_checkpoint = sql["move_checkpoint"]

    async def checkpoint(self, place: Place) -> Checkpoint:
        check_place(place)
        return await self._readers.run(self._checkpoint, place)

    async def checkpoints(self, projection: str | None = None) -> Sequence[Checkpoint]:
        return await self._readers.run(listed_checkpoints, self._sql, projection)

    async def commit(self, commit: ProjectionCommit) -> None:
        check_commit(commit)
        await self._writer.run(self._commit, commit)

    async def write(self, changes: Sequence[Change]) -> None:
        await self._writer.run(apply_changes, self._sql, changes)

    async def reset(self, reset: Reset) -> None:
        check_reset(reset)
        await self._writer.run_alone(self._reset, reset)

    def _checkpoint(self, connection: apsw.Connection, place: Place) -> Checkpoint:
        known_or_conflict(generations_of(connection, self._sql, place.projection), place.projection, place.generation)
        return read_checkpoint(connection, self._sql, place)

    def _commit(self, connection: apsw.Connection, commit: ProjectionCommit) -> None:
        """The checkpoint is moved first: a batch that lost its place leaves nothing to roll back."""
        place = commit.place
        generation = self._states.find(connection, place.projection, place.generation)
        key = place.projection, place.partition, place.generation, place.key_range
        moved = commit.next, commit.epoch, commit.effects
        connection.execute(self._move_checkpoint, (*moved, *key, commit.start, commit.epoch))
        if connection.changes() == 0:
            self._start(connection, commit)
        if commit.changes:
            apply_changes(connection, self._sql, commit.changes, generation.beside)
        if commit.unparked:
            parts = place.projection, place.generation, place.partition
            connection.executemany(self._sql["discard_parked"], [(*parts, offset) for offset in commit.unparked])
        if commit.parked:
            set_aside(connection, self._sql, commit.parked)

    def _start(self, connection: apsw.Connection, commit: ProjectionCommit) -> None:
        """The first checkpoint of a place; raises CheckpointConflict where the batch was made from another."""
        kept = read_checkpoint(connection, self._sql, commit.place)
        if kept.offset != commit.start or kept.epoch > commit.epoch:
            raise conflict(kept, commit)
        first = Checkpoint(place=kept.place, offset=commit.next, epoch=commit.epoch, effects=commit.effects or 0)
        write_checkpoints(connection, self._sql, [first])

    def _reset(self, connection: apsw.Connection, reset: Reset) -> None:
        kept = self._states.find(connection, reset.projection, reset.generation)
        if reset.partition is None:
            make_anew(connection, self._sql, [table_of(model, kept.beside) for model in reset.models])
        apply_changes(connection, self._sql, reset.changes, kept.beside)
        key = reset.projection, reset.generation
        connection.execute(self._sql["discard_all_parked"], (*key, reset.partition))
        ranges = kept.generation.key_ranges
        connection.execute(self._sql["reset_checkpoints"], (*key, reset.epoch, ranges, reset.partition))

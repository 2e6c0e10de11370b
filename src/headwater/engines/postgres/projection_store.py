"""ProjectionStore: checkpoints in the database that holds the read models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from headwater.engines.postgres.changes import apply_changes
from headwater.engines.postgres.checkpoints import read_checkpoint
from headwater.engines.postgres.connection import Connection, changed
from headwater.engines.postgres.generation_states import generations_of
from headwater.engines.postgres.parking import set_aside, take_back
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.projection_lock import begin_alone, begin_shared
from headwater.engines.postgres.read_model_schema import make_anew
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import table_of
from headwater.engines.sql.commit_form import check_commit, check_place, check_reset, conflict
from headwater.engines.sql.kept_generations import Kept, known_or_conflict
from headwater.engines.sql.kept_rows import CheckpointRow, checkpoint_of
from headwater.models.changes import Change
from headwater.ports.generations import Generation, State
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit, Reset

__all__ = ["PostgresProjectionStore"]


class PostgresProjectionStore:
    def __init__(self, sql: Statements, pool: Pool) -> None:
        self._sql = sql
        self._pool = pool

    async def checkpoint(self, place: Place) -> Checkpoint:
        check_place(place)
        key = place.projection, place.partition, place.generation, place.key_range
        row = await self._pool.row(self._sql["find_checkpoint"], *key)
        state, has_begun, offset, epoch, effects = cast("tuple[State | None, bool, int, int, int]", row)
        _generation(place, state, has_begun)
        return Checkpoint(place=place, offset=offset, epoch=epoch, effects=effects)

    async def checkpoints(self, projection: str | None = None) -> Sequence[Checkpoint]:
        rows = await self._pool.fetch(self._sql["list_checkpoints"], projection)
        return list(map(checkpoint_of, cast("list[CheckpointRow]", rows)))

    async def commit(self, commit: ProjectionCommit) -> None:
        check_commit(commit)
        await self._pool.locked(begin_shared(self._sql, commit.place.projection), self._commit, commit)

    async def write(self, changes: Sequence[Change]) -> None:
        if changes:
            await self._pool.transaction(apply_changes, self._sql, changes)

    async def reset(self, reset: Reset) -> None:
        check_reset(reset)
        await self._pool.locked(begin_alone(self._sql, reset.projection), self._reset, reset)

    async def _commit(self, connection: Connection, commit: ProjectionCommit) -> None:
        """The checkpoint is moved first: its row lock keeps out whoever else is at work on the place."""
        place = commit.place
        generation = await self._move(connection, commit)
        if commit.changes:
            await apply_changes(connection, self._sql, commit.changes, generation.beside, place.partition)
        if commit.unparked:
            await take_back(connection, self._sql, place, commit.unparked)
        if commit.parked:
            await set_aside(connection, self._sql, commit.parked)

    async def _move(self, connection: Connection, commit: ProjectionCommit) -> Kept:
        """Move the checkpoint; the generation. Raises CheckpointConflict where the batch was made from another."""
        place = commit.place
        key = place.projection, place.partition, place.generation, place.key_range
        moved = commit.next, commit.epoch, commit.effects, commit.start
        row = await connection.fetchrow(self._sql["move_checkpoint"], *key, *moved)
        is_moved, state, has_begun = cast("tuple[bool, State | None, bool]", row)
        generation = _generation(place, state, has_begun)
        if not is_moved:
            await self._start(connection, commit)
        return generation

    async def _start(self, connection: Connection, commit: ProjectionCommit) -> None:
        """The first checkpoint of a place, unless it has one, or the batch was not made from the start."""
        place = commit.place
        first = commit.next, commit.epoch, commit.effects or 0
        key = place.projection, place.partition, place.generation, place.key_range
        if commit.start > 0 or not changed(await connection.execute(self._sql["insert_checkpoint"], *key, *first)):
            raise conflict(await read_checkpoint(connection, self._sql, place), commit)

    async def _reset(self, connection: Connection, reset: Reset) -> None:
        known = await generations_of(connection, self._sql, reset.projection)
        kept = known_or_conflict(known, reset.projection, reset.generation)
        if reset.partition is None:
            await connection.execute(self._sql["lock_read_models"], self._sql.schema)
            tables = [table_of(self._sql.schema, model, kept.beside) for model in reset.models]
            await make_anew(connection, self._sql, tables)
        if reset.changes:
            await apply_changes(connection, self._sql, reset.changes, kept.beside)
        key = reset.projection, reset.generation
        await connection.execute(self._sql["discard_all_parked"], *key, reset.partition)
        ranges = kept.generation.key_ranges
        await connection.execute(self._sql["reset_checkpoints"], *key, reset.epoch, ranges, reset.partition)


def _generation(place: Place, state: State | None, has_begun: bool) -> Kept:
    """The generation of a place; raises CheckpointConflict where it is not known, or no longer."""
    if not has_begun and place.generation == 0:
        state = "serving"
    one = state and Kept(Generation(projection=place.projection, number=place.generation, state=state))
    return known_or_conflict({place.generation: one} if one else {}, place.projection, place.generation)

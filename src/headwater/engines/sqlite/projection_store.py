"""ProjectionStore: checkpoints in the file that holds the read models."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import apsw

from headwater.domain.version import check_count
from headwater.engines.sqlite.changes import apply_changes
from headwater.engines.sqlite.parking import set_aside
from headwater.engines.sqlite.read_model_schema import make_anew
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.errors import CheckpointConflict, InvalidVersion
from headwater.models.changes import Change
from headwater.models.model import ReadModel
from headwater.ports.projection_store import Checkpoint, ProjectionCommit

__all__ = ["SqliteProjectionStore"]


class SqliteProjectionStore:
    def __init__(self, sql: Statements, writer: Writer, readers: Readers) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers

    async def checkpoint(self, projection: str, partition: int) -> Checkpoint:
        return await self._readers.run(self._checkpoint, projection, partition)

    async def checkpoints(self) -> Sequence[Checkpoint]:
        return await self._readers.run(self._checkpoints)

    async def commit(self, commit: ProjectionCommit) -> None:
        _check_form(commit)
        await self._writer.run(self._commit, commit)

    async def write(self, changes: Sequence[Change]) -> None:
        await self._writer.run(apply_changes, changes)

    async def reset(self, projection: str, models: Sequence[type[ReadModel]], epoch: int) -> None:
        check_count(epoch, "epoch")
        await self._writer.run_alone(self._reset, projection, models, epoch)

    def _checkpoint(self, connection: apsw.Connection, projection: str, partition: int) -> Checkpoint:
        row = connection.execute(self._sql["read_checkpoint"], (projection, partition)).get
        offset, epoch = (0, 0) if row is None else cast("tuple[int, int]", row)
        return Checkpoint(projection=projection, partition=partition, offset=offset, epoch=epoch)

    def _checkpoints(self, connection: apsw.Connection) -> Sequence[Checkpoint]:
        rows = cast("list[tuple[str, int, int, int]]", connection.execute(self._sql["list_checkpoints"]).fetchall())
        return [
            Checkpoint(projection=projection, partition=partition, offset=offset, epoch=epoch)
            for projection, partition, offset, epoch in rows
        ]

    def _commit(self, connection: apsw.Connection, commit: ProjectionCommit) -> None:
        """The checkpoint is looked at first: a batch that lost its place leaves nothing to roll back."""
        _check_place(self._checkpoint(connection, commit.projection, commit.partition), commit)
        place = commit.projection, commit.partition
        connection.execute(self._sql["write_checkpoint"], (*place, commit.next, commit.epoch))
        if commit.changes:
            apply_changes(connection, commit.changes)
        if commit.unparked:
            connection.executemany(self._sql["discard_parked"], [(*place, offset) for offset in commit.unparked])
        if commit.parked:
            set_aside(connection, self._sql, commit.parked)

    def _reset(
        self, connection: apsw.Connection, projection: str, models: Sequence[type[ReadModel]], epoch: int
    ) -> None:
        make_anew(connection, self._sql, models)
        connection.execute(self._sql["discard_all_parked"], (projection,))
        connection.execute(self._sql["reset_checkpoints"], (projection, epoch))


def _check_form(commit: ProjectionCommit) -> None:
    check_count(commit.epoch, "epoch")
    check_count(commit.start, "start")
    if check_count(commit.next, "next") < commit.start:
        raise InvalidVersion(f"a checkpoint only moves on: next {commit.next} is below start {commit.start}")


def _check_place(kept: Checkpoint, commit: ProjectionCommit) -> None:
    if kept.offset != commit.start or kept.epoch > commit.epoch:
        raise CheckpointConflict(
            f"projection {kept.projection!r}, partition {kept.partition} is at offset {kept.offset} of epoch "
            f"{kept.epoch}, the commit was made from {commit.start} of epoch {commit.epoch}: read it again"
        )

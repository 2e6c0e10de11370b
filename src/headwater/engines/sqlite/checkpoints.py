"""Checkpoints: rows by place."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import apsw

from headwater.engines.sql.kept_rows import CheckpointRow, checkpoint_of
from headwater.engines.sqlite.statements import Statements
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint

__all__ = ["checkpoints_of", "listed_checkpoints", "read_checkpoint", "write_checkpoints"]


def read_checkpoint(connection: apsw.Connection, sql: Statements, place: Place) -> Checkpoint:
    """How far a projection is at a place; offset 0 if it never ran there."""
    key = place.projection, place.partition, place.generation, place.key_range
    row = connection.execute(sql["read_checkpoint"], key).get
    offset, epoch, effects = (0, 0, 0) if row is None else cast("tuple[int, int, int]", row)
    return Checkpoint(place=place, offset=offset, epoch=epoch, effects=effects)


def write_checkpoints(connection: apsw.Connection, sql: Statements, checkpoints: Iterable[Checkpoint]) -> None:
    """Keep them, inside the writer's transaction."""
    for kept in checkpoints:
        place = kept.place
        key = place.projection, place.partition, place.generation, place.key_range
        connection.execute(sql["write_checkpoint"], (*key, kept.offset, kept.epoch, kept.effects))


def listed_checkpoints(connection: apsw.Connection, sql: Statements, projection: str | None) -> list[Checkpoint]:
    """Every checkpoint, or those of one projection, by place."""
    return _checkpoints(connection.execute(sql["list_checkpoints"], (projection,)))


def checkpoints_of(connection: apsw.Connection, sql: Statements, projection: str, number: int) -> list[Checkpoint]:
    """Those of one generation, by place."""
    return _checkpoints(connection.execute(sql["list_generation_checkpoints"], (projection, number)))


def _checkpoints(rows: apsw.Cursor) -> list[Checkpoint]:
    return list(map(checkpoint_of, cast("list[CheckpointRow]", rows.fetchall())))

"""Checkpoints: rows by place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_rows import CheckpointRow, checkpoint_of
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint

__all__ = ["checkpoints_of", "read_checkpoint", "write_checkpoints"]


async def read_checkpoint(connection: Connection, sql: Statements, place: Place) -> Checkpoint:
    """How far a projection is at a place; offset 0 if it never ran there."""
    key = place.projection, place.partition, place.generation, place.key_range
    row = await connection.fetchrow(sql["read_checkpoint"], *key)
    offset, epoch, effects = (0, 0, 0) if row is None else cast("tuple[int, int, int]", row)
    return Checkpoint(place=place, offset=offset, epoch=epoch, effects=effects)


async def write_checkpoints(connection: Connection, sql: Statements, checkpoints: Iterable[Checkpoint]) -> None:
    """Keep them, inside the caller's transaction, where nobody else writes them."""
    rows = [
        (place.projection, place.partition, place.generation, place.key_range, kept.offset, kept.epoch, kept.effects)
        for kept in checkpoints
        for place in (kept.place,)
    ]
    if rows:
        await connection.executemany(sql["write_checkpoint"], rows)


async def checkpoints_of(connection: Connection, sql: Statements, projection: str, number: int) -> list[Checkpoint]:
    """Those of one generation, by place."""
    rows = await connection.fetch(sql["list_generation_checkpoints"], projection, number)
    return list(map(checkpoint_of, cast("list[CheckpointRow]", rows)))

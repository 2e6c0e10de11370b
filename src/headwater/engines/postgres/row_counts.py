"""Counts of changes: by read model, moved in the transaction that changes what is served.

Each partition of the log moves a row of its own, so that those who write for different ones never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.statements import Statements

__all__ = ["changes_elsewhere", "changes_of", "count_changes"]


async def count_changes(connection: Connection, sql: Statements, tables: Iterable[str], partition: int = -1) -> None:
    """Move the counts of served tables, by name, inside the caller's transaction; partition -1 is none."""
    names = sorted(tables)
    if names:
        await connection.execute(sql["count_changes"], names, partition, sql.engine)


async def changes_of(connection: Connection, sql: Statements, tables: Sequence[str]) -> Sequence[int]:
    """The count of each; 0 for one that nobody has changed."""
    return [cast("int", changes) for (changes,) in await connection.fetch(sql["read_changes"], list(tables))]


async def changes_elsewhere(connection: Connection, sql: Statements, tables: Sequence[str]) -> Sequence[int]:
    """The same without what this engine has changed."""
    found = await connection.fetch(sql["read_changes_elsewhere"], list(tables), sql.engine)
    return [cast("int", changes) for (changes,) in found]

"""Index building: indexes for tables that have rows, made while others read and write.

It takes its time, and waits for every transaction that was under way. Broken off, it leaves an index of no use behind,
which the next one who builds drops.
"""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from headwater.engines.postgres.connection import Connection, let_go
from headwater.engines.postgres.indexes import Index, missing, unfinished
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.table import Table

__all__ = ["build"]

_AS_LONG_AS_IT_TAKES: Final = 7 * 86_400.0
"""Seconds."""
_POLL: Final = 0.1
"""Seconds between two looks whether another process has built what it builds."""


async def build(pool: Pool, sql: Statements, wanted: Mapping[Table, Sequence[Index]]) -> None:
    """Those among them that are missing; where another process is about it, once that is done."""
    async with pool.connection() as connection:
        try:
            await connection.execute("SET lock_timeout = 0")
            await _alone(connection, sql)
            for table, indexes in wanted.items():
                for index in await missing(connection, sql, table, indexes):
                    await _build(connection, sql, table, index)
        finally:
            let_go(connection)  # with its lock, and with what was set


async def _alone(connection: Connection, sql: Statements) -> None:
    while True:
        if await connection.fetchval(sql["try_to_build"], sql.schema):
            return
        await asyncio.sleep(_POLL)


async def _build(connection: Connection, sql: Statements, table: Table, index: Index) -> None:
    for name in await unfinished(connection, sql, table, index):
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", timeout=_AS_LONG_AS_IT_TAKES)
    await connection.execute(index.statement(table, "CONCURRENTLY"), timeout=_AS_LONG_AS_IT_TAKES)

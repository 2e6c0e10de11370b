"""Connection: what is used of the driver's, and a transaction on it."""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeAlias

import asyncpg

__all__ = ["Connection", "Row", "begun", "changed", "roll_back"]

Row: TypeAlias = Sequence[object]


class Connection(Protocol):
    """What is used of the driver's connection."""

    async def execute(self, query: str, *args: object) -> str: ...
    async def executemany(self, command: str, args: Iterable[Sequence[object]]) -> None: ...
    async def fetch(self, query: str, *args: object) -> Sequence[Row]: ...
    async def fetchrow(self, query: str, *args: object) -> Row | None: ...
    async def fetchval(self, query: str, *args: object) -> object: ...
    def cursor(self, query: str, *args: object, prefetch: int | None = None) -> AsyncIterator[Row]: ...
    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[Sequence[object]], columns: Sequence[str], schema_name: str
    ) -> str: ...
    async def add_listener(self, channel: str, callback: Callable[[object, int, str, object], None]) -> None: ...
    async def remove_listener(self, channel: str, callback: Callable[[object, int, str, object], None]) -> None: ...
    def is_in_transaction(self) -> bool: ...
    def terminate(self) -> None: ...


@asynccontextmanager
async def begun(connection: Connection, begin: str = "BEGIN") -> AsyncGenerator[None, None]:
    """A transaction around what is done inside: committed at its end, rolled back where it raises.

    `begin` may take locks; where it has to wait too long for one, that is rolled back, too.
    """
    try:
        await connection.execute(begin)
        yield
    except BaseException:
        await roll_back(connection)
        raise
    await connection.execute("COMMIT")


async def roll_back(connection: Connection) -> None:
    """End a transaction that failed; a connection that cannot is let go."""
    try:
        if connection.is_in_transaction():
            await connection.execute("ROLLBACK")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


def changed(status: str) -> int:
    """How many rows a statement changed: the number at the end of what the server says, as in `UPDATE 3`."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdecimal() else 0

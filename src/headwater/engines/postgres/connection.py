"""Connection: what is used of the driver's, and a transaction on it."""

# asyncpg has no types of its own:
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol, TypeAlias

import asyncpg

__all__ = ["Connection", "Row", "begun", "changed", "let_go", "roll_back"]

Row: TypeAlias = Sequence[object]

_AT_ONCE: Final = 2.0
"""Seconds."""


class Connection(Protocol):
    """What is used of the driver's connection."""

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str: ...
    async def executemany(self, command: str, args: Iterable[Sequence[object]]) -> None: ...
    async def fetch(self, query: str, *args: object) -> Sequence[Row]: ...
    async def fetchrow(self, query: str, *args: object) -> Row | None: ...
    async def fetchval(self, query: str, *args: object) -> object: ...
    def cursor(self, query: str, *args: object, prefetch: int | None = None) -> AsyncIterator[Row]: ...
    async def add_listener(self, channel: str, callback: Callable[[object, int, str, object], None]) -> None: ...
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
        await connection.execute("COMMIT")
    except BaseException:
        await roll_back(connection)
        raise


async def roll_back(connection: Connection) -> None:
    """End a transaction that failed, whatever it was; a connection on which that cannot be done at once is let go.

    Whether there is one, only the server knows: what was cancelled may have begun it.
    """
    try:
        await connection.execute("ROLLBACK", timeout=_AT_ONCE)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        let_go(connection)
    except BaseException:
        let_go(connection)
        raise


def let_go(connection: Connection) -> None:
    """Close a connection without a word to the server; one that is lost already is the pool's again."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


def changed(status: str) -> int:
    """How many rows a statement changed: the number at the end of what the server says, as in `UPDATE 3`."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdecimal() else 0

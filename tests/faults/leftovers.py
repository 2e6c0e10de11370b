"""Leftovers: what must be as it was once nothing is under way, in this process and in the store."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Protocol

import apsw

from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.engine import PostgresEngine
from headwater.engines.sqlite.engine import SqliteEngine
from headwater.testing.servers import PostgresServer

__all__ = ["SESSIONS", "Leftovers", "PostgresLeftovers", "SqliteLeftovers"]


class Leftovers(Protocol):
    """Those of one open engine."""

    def sizes(self) -> dict[str, int]:
        """Tasks, threads, queues: the same before and after."""
        ...

    async def left_open(self) -> list[str]:
        """What the store still holds for calls that are over."""
        ...


class SqliteLeftovers:
    def __init__(self, engine: SqliteEngine, path: Path) -> None:
        self._engine = engine
        self._path = path

    def sizes(self) -> dict[str, int]:
        return {
            "tasks": len(asyncio.all_tasks()),
            "threads": sum(thread.name.startswith("headwater") for thread in threading.enumerate()),
            "queued writes": self._engine._writer._queue.qsize(),
            "queued reads": self._engine._readers._queue.qsize(),
        }

    async def left_open(self) -> list[str]:
        return await asyncio.to_thread(self._left_open)

    def _left_open(self) -> list[str]:
        """A transaction left open by a writer or a reader keeps the log from being cut back."""
        connection = apsw.Connection(str(self._path))
        connection.set_busy_timeout(2_000)
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get
        connection.close()
        return ["a transaction is left open"] if busy else []


class PostgresLeftovers:
    def __init__(self, engine: PostgresEngine, server: PostgresServer) -> None:
        self._engine = engine
        self._server = server

    def sizes(self) -> dict[str, int]:
        pool, appender = self._engine._pool, self._engine._events._appender
        assert pool._pool is not None
        return {
            "tasks": len(asyncio.all_tasks()),
            "callers of the pool": pool._waiting,
            "connections in use": pool._pool.get_size() - pool._pool.get_idle_size(),
            "queued appends": len(appender._queue),
            "appends alone": len(appender._alone),
        }

    async def left_open(self) -> list[str]:
        """The server is asked, then each connection that the pool has to give."""
        pool = self._engine._pool._pool
        assert pool is not None
        known, most = pool.get_size(), self._engine.location.pool
        found = [f"the pool has {known} connections and may have {most}"] if known > most else []
        for what, statement, wanted in (
            ("sessions", SESSIONS, known),
            ("transactions left open", _OPEN, 0),
            ("advisory locks", _LOCKS, 0),
            ("deadlocks", _DEADLOCKS, 0),
        ):
            if (number := int(await asyncio.to_thread(self._server.query, statement))) != wanted:
                found.append(f"the server has {number} {what} of this process, not {wanted}")
        unusable = [error for error in await self._used(most - 1) if error is not None]  # one of them listens
        return found + [f"a connection is unusable: {error!r}" for error in unusable]

    async def _used(self, number: int) -> list[BaseException | None]:
        """All connections at once, each asked whether it is outside of any transaction."""
        together = asyncio.Barrier(number)

        async def ask(connection: Connection) -> None:
            await together.wait()
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SELECT pg_current_xact_id_if_assigned()") is None

        async with asyncio.timeout(30):
            asked = [self._engine._pool.read(ask) for _ in range(number)]
            return await asyncio.gather(*asked, return_exceptions=True)


_OURS = "FROM pg_stat_activity WHERE application_name = 'headwater'"
SESSIONS = f"SELECT count(*) {_OURS}"
_OPEN = f"SELECT count(*) {_OURS} AND state LIKE 'idle in transaction%'"
_LOCKS = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid IN (SELECT pid {_OURS})"
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"

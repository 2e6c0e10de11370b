"""Wakeups: a counter that moves with this process's commits at once, with others' when they are heard or looked for.

Whoever commits says so afterwards by NOTIFY, a few milliseconds' worth of commits at a time, never inside the
transaction, where PostgreSQL would have all notifying commits wait for each other. A notification can be lost with the
process that owed it; so while somebody waits, the server's list of running transactions is looked at, too: it differs
after every commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from headwater.engines.postgres.connection import Connection, let_go
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.row_counts import changes_elsewhere, changes_of
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.commits import Commits
from headwater.errors import HeadwaterError
from headwater.models.model import ReadModel, schema_of

__all__ = ["PostgresWakeups"]

_POLL: Final = 0.1
"""Seconds between two looks at the server, while somebody waits."""
_QUIET: Final = 0.002
"""Seconds for which commits are gathered into one notification."""
_RETRY: Final = 0.5
"""Seconds until a broken connection is replaced."""
_PATIENCE: Final = 5.0
"""Seconds in which the server answers, or its connection is as good as broken."""


class PostgresWakeups(Commits):
    """The pool's listener."""

    def __init__(self, sql: Statements, pool: Pool, location: Location) -> None:
        super().__init__()
        self._sql = sql
        self._pool = pool
        self._schema = location.schema
        self._channel = ""
        self._owed = asyncio.Event()
        """Set while commits are not notified yet."""
        self._tried = asyncio.Event()
        """Set once it listens, or could not."""
        self._tasks: list[asyncio.Task[None]] = []

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return await self._pool.read(changes_of, self._sql, _tables(models))

    async def changes_elsewhere(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return await self._pool.read(changes_elsewhere, self._sql, _tables(models))

    def committed(self) -> None:
        """Something was committed through this engine."""
        self.moved()
        self._owed.set()

    async def start(self, store_id: str) -> None:
        """Listen, look and notify from now on."""
        self._channel = f"headwater_{store_id.replace('-', '')[:40]}"
        self.begin()
        self._owed, self._tried = asyncio.Event(), asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._notify(), name="headwater-notifier"),
            asyncio.create_task(self._listen(), name="headwater-listener"),
        ]
        await self._tried.wait()  # whoever is cancelled while it connects may leave a connection behind

    async def stop(self) -> None:
        """Say what is owed, and wake whoever waits; idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks and self._owed.is_set():
            with suppress(HeadwaterError, OSError):
                async with asyncio.timeout(_PATIENCE):
                    await self._pool.value(self._sql["notify"], self._channel, self._sql.engine)
        self.moved()  # nobody waits for a commit that cannot come

    # -- in the tasks ----------------------------------------------------------

    async def _notify(self) -> None:
        while True:
            await self._owed.wait()
            await asyncio.sleep(_QUIET)
            self._owed.clear()
            try:
                await self._pool.value(self._sql["notify"], self._channel, self._sql.engine)
            except (HeadwaterError, OSError):  # others look by themselves
                await asyncio.sleep(_RETRY)

    async def _listen(self) -> None:
        """On a connection of its own; after it broke, anything may have happened."""
        while True:
            with suppress(HeadwaterError, OSError):
                async with self._pool.connection() as connection:
                    try:
                        async with asyncio.timeout(_PATIENCE):
                            await connection.add_listener(self._channel, self._heard)
                        self._tried.set()
                        await self._look(connection)
                    finally:
                        let_go(connection)  # it listens, so nobody else may have it
            self._tried.set()
            self.moved(others=True)
            await asyncio.sleep(_RETRY)

    async def _look(self, connection: Connection) -> None:
        """The first look finds something new, too: who knows what was committed before it."""
        looked = None
        while True:
            await self.until_waited_for()
            async with asyncio.timeout(_PATIENCE):
                running = await connection.fetchval(self._sql["look_at_transactions"])
            if running != looked:
                looked = running
                self.moved(others=True)
            await asyncio.sleep(_POLL)

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload != self._sql.engine:
            self.moved(others=True)


def _tables(models: Sequence[type[ReadModel]]) -> list[str]:
    return [str(schema_of(model).table) for model in models]

"""Wakeups: a counter the writer moves, for its own commits at once, for others' when it looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.row_counts import changes_of
from headwater.engines.sqlite.statements import Statements
from headwater.models.model import ReadModel, schema_of

__all__ = ["SqliteWakeups"]


class SqliteWakeups:
    """The writer's listener. `look` asks the writer to look for other processes' commits."""

    def __init__(self, sql: Statements, readers: Readers) -> None:
        self._sql = sql
        self._readers = readers
        self.look: Callable[[], None] = _nothing
        self._commits = 0
        self._others = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._waiting = 0

    def seen(self) -> int:
        return self._commits

    def others(self) -> int:
        return self._others

    async def wait(self, seen: int, timeout: float) -> int:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)  # before the counter is looked at: a commit in between finds the waiter
        self._waiting += 1
        try:
            if self._commits <= seen:
                self.look()
                await asyncio.wait((waiter,), timeout=timeout)
        finally:
            self._waiting -= 1
            with suppress(ValueError):
                self._waiters.remove(waiter)
        return self._commits

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return await self._readers.run(changes_of, self._sql, [str(schema_of(model).table) for model in models])

    async def changes_elsewhere(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return await self.changes(models)

    # -- on the writer's thread --------------------------------------------------------------------------------

    def listening(self) -> bool:
        return self._waiting > 0

    def committed(self, others: bool = False) -> None:
        self._others += others
        self._commits += 1
        waiters, self._waiters = self._waiters, []
        for waiter in tuple(waiters):  # one that gives up just now takes itself out of the list
            with suppress(RuntimeError):  # its loop is closed
                waiter.get_loop().call_soon_threadsafe(_wake, waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _nothing() -> None: ...

"""Wakeups: a counter that moves with this process's commits at once, with others' when they are looked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from headwater.engines.cassandra.session import Row, Session
from headwater.errors import HeadwaterError
from headwater.models.model import ReadModel

__all__ = ["CassandraWakeups"]

_POLL: Final = 0.1
"""Seconds between two looks at the log, while somebody waits."""


class CassandraWakeups:
    """The log of every partition, by how far it is settled: nothing that a reader waits for comes before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._commits = 0
        self._others = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._waited_for = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def seen(self) -> int:
        return self._commits

    def others(self) -> int:
        """As `KnowsOthers.others`."""
        return self._others

    async def wait(self, seen: int, timeout: float) -> int:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)  # before the counter is looked at: a commit in between finds the waiter
        self._waited_for.set()
        try:
            if self._commits <= seen:
                await asyncio.wait((waiter,), timeout=timeout)
        finally:
            self._waiters.discard(waiter)
        return self._commits

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return [0 for _ in models]

    def moved(self, others: bool = False) -> None:
        """Something was committed, or has come into the log."""
        self._others += others
        self._commits += 1
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def start(self) -> None:
        """Look from now on."""
        self._waited_for = asyncio.Event()
        self._task = asyncio.create_task(self._look(), name="headwater-looking")

    async def stop(self) -> None:
        """Wake whoever waits; idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self.moved()  # nobody waits for a commit that cannot come

    async def _look(self) -> None:
        """The first look finds something new, too: who knows what was committed before it."""
        looked: list[Row] | None = None
        while True:
            if not self._waiters:
                self._waited_for.clear()
                await self._waited_for.wait()
            try:
                settled = sorted(await self._session.rows("list_settled"))
            except HeadwaterError:
                settled = None  # anything may have happened
            if settled != looked or settled is None:
                looked = settled
                self.moved(others=True)
            await asyncio.sleep(_POLL)

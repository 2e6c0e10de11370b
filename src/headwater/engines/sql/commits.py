"""Commits: a counter that moves with each commit, and those who wait for it to move, on one loop."""

from __future__ import annotations

import asyncio

__all__ = ["Commits"]


class Commits:
    """What the wakeups of servers share: each finds out in its own way that others have committed."""

    def __init__(self) -> None:
        self._commits = 0
        self._others = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._waited_for = asyncio.Event()
        """Set while somebody waits."""

    def seen(self) -> int:
        """As `Wakeups.seen`."""
        return self._commits

    def others(self) -> int:
        """As `KnowsOthers.others`."""
        return self._others

    async def wait(self, seen: int, timeout: float) -> int:
        """As `Wakeups.wait`."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)  # before the counter is looked at: a commit in between finds the waiter
        self._waited_for.set()
        try:
            if self._commits <= seen:
                await asyncio.wait((waiter,), timeout=timeout)
        finally:
            self._waiters.discard(waiter)
        return self._commits

    def moved(self, others: bool = False) -> None:
        """Something was committed, through this engine object or by others."""
        self._others += others
        self._commits += 1
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until_waited_for(self) -> None:
        """Return at once while somebody waits, else when somebody does."""
        if not self._waiters:
            self._waited_for.clear()
            await self._waited_for.wait()

    def begin(self) -> None:
        """On the running loop, which may be another one than before."""
        self._waited_for = asyncio.Event()

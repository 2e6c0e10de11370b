"""Nap: a wait that somebody else may end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

__all__ = ["Nap"]


class Nap:
    """Of one task at a time. What ends it is a cancellation that is taken back, so whatever is awaited is let go of."""

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._ended = False

    async def wait(self, waiting: Awaitable[object]) -> None:
        """Until it is over, or ended."""
        self._task = asyncio.current_task()
        try:
            await waiting
        except asyncio.CancelledError:
            if not self._ended or self._task is None or self._task.uncancel() > 0:
                raise
        finally:
            self._task = None
            self._ended = False

    def end(self) -> None:
        """Have the task go on now, if it waits."""
        if self._task is not None and not self._ended:
            self._ended = True
            self._task.cancel()

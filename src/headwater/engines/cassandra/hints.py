"""Hints: appends of this process that the log has yet to be given, so that nobody need wait for a scan to find them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headwater.engines.cassandra.protocol.rows import Intent

__all__ = ["Hints"]


class Hints:
    """The intents of one partition whose appends were committed here. They take the place of waiting, and of nothing
    else: what is lost of them a scan finds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._intents: list[Intent] = []
        self._given = asyncio.Event()

    def give(self, intent: Intent) -> None:
        """Say that an append is there to be logged; one too many is left to a scan."""
        if len(self._intents) < self._most:
            self._intents.append(intent)
        self._given.set()

    def take(self) -> Sequence[Intent]:
        """Those given since the last time."""
        intents, self._intents = self._intents, []
        self._given.clear()
        return intents

    async def wait(self, seconds: float) -> bool:
        """Return once there are any, or after so many seconds; whether there are."""
        if not self._given.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._given.wait()
            except TimeoutError:
                return False
        return True

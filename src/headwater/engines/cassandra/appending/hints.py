"""Hints: appends of this process that the log has yet to be given, so that nobody need wait for a scan to find them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from headwater.engines.cassandra.protocol.rows import Hint, Intent

__all__ = ["Hints"]


class Hints:
    """Appends to one partition that were committed here. They take the place of waiting, and of reading what this
    process knows; what is lost of them a scan finds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._hints: list[Hint] = []
        self._given = asyncio.Event()

    def give(self, hint: Hint) -> None:
        """Say that an append is there to be logged; one too many is left to a scan."""
        if len(self._hints) < self._most:
            self._hints.append(hint)
        self._given.set()

    def give_back(self, hints: Iterable[Hint], decided: Iterable[Intent]) -> None:
        """Those that were taken and are not all in the log yet, for another round."""
        gone = {intent.attempt for intent in decided}
        self._hints[:0] = [hint for hint in hints if hint.intent.attempt not in gone]

    def take(self) -> Sequence[Hint]:
        """Those given since the last time."""
        hints, self._hints = self._hints, []
        self._given.clear()
        return hints

    async def wait(self, seconds: float) -> bool:
        """Return once there are any, or after so many seconds; whether there are."""
        if not self._given.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._given.wait()
            except TimeoutError:
                return False
        return True

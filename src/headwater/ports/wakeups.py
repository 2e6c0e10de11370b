"""Wakeups: something may be new."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Wakeups"]


class Wakeups(Protocol):
    """Tells waiting readers that the store may have changed, in this process or another.

    Law: after a commit made anywhere, `wait(seen)` with a counter taken before it returns within the engine's
    polling interval. It may return early; it never misses.
    """

    def seen(self) -> int:
        """A counter to hand to `wait`: take it before looking at the store."""
        ...

    async def wait(self, seen: int, timeout: float) -> int:
        """Return once the counter has moved past `seen`, or after `timeout` seconds; the counter now."""
        ...

"""Clock: the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["Clock", "SystemClock", "Timer", "steady_micros"]

Timer: TypeAlias = Callable[[], int]
"""Microseconds since some moment, which never go back: what waits and durations are measured by."""


class Clock(Protocol):
    """Where headwater gets the time from; tests hand in their own."""

    def micros(self) -> int:
        """Microseconds since 1970, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def micros(self) -> int:
        return time.time_ns() // 1_000


def steady_micros() -> int:
    """The machine's Timer: it goes on evenly, whatever happens to the clock."""
    return time.monotonic_ns() // 1_000

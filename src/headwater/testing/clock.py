"""ManualClock: time that moves when told to."""

from __future__ import annotations

from typing import Final

__all__ = ["START", "ManualClock"]

START: Final = 1_750_000_000_000_000
"""A moment in 2025, in microseconds since 1970."""


class ManualClock:
    """A Clock that stands still until `advance`, which may also turn it back."""

    def __init__(self, micros: int = START) -> None:
        self._micros = micros
        self._passed = 0

    def micros(self) -> int:
        return self._micros

    def timer(self) -> int:
        """A Timer: microseconds moved on so far; turning back takes nothing off."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds; back, if negative."""
        micros = round(seconds * 1_000_000)
        self._micros += micros
        self._passed += max(0, micros)

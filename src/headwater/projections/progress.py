"""Progress: how far long work is, how fast, and how long it will take."""

from __future__ import annotations

import msgspec

__all__ = ["Meter", "Progress"]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Long work at one moment."""

    done: int
    """Events."""
    total: int
    seconds: float
    """Since it began."""

    @property
    def rate(self) -> float:
        """Events per second; 0 before the first."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """Seconds it will still take at this rate; None before there is one."""
        return (self.total - self.done) / self.rate if self.rate else None

    @property
    def finished(self) -> bool:
        return self.done >= self.total


class Meter:
    """Counts work against a Timer, in microseconds."""

    def __init__(self, total: int, now: int) -> None:
        self.total = total
        self.done = 0
        self._began = now

    def add(self, events: int, now: int) -> Progress:
        """Progress after `events` more of them."""
        self.done += events
        return Progress(done=self.done, total=max(self.total, self.done), seconds=(now - self._began) / 1_000_000)

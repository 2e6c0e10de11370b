"""Outcome: what came of a job, and how long each phase of it took."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

import msgspec

from headwater.demo.sending import Sent

__all__ = ["Outcome", "timed"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    figures: dict[str, object]
    sent: Sent
    seconds: dict[str, float]
    """By phase."""

    @property
    def commands_per_second(self) -> float:
        """Of the commands sent now; 0 if all were known."""
        return self.sent.sent / self.seconds["commands"] if self.sent.sent else 0.0


@contextmanager
def timed(seconds: dict[str, float], phase: str) -> Generator[None, None, None]:
    """Note how long the phase took."""
    began = time.perf_counter()
    yield
    seconds[phase] = round(time.perf_counter() - began, 3)

"""Chance: every choice of a schedule, from one seed."""

from __future__ import annotations

import random

__all__ = ["Chance"]


class Chance:
    """The same choices for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def pick(self, count: int) -> int:
        """One of 0 … count - 1."""
        return int(self.random() * count)

    def happens(self, probability: float) -> bool:
        return self.random() < probability

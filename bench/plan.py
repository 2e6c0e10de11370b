"""Plan: how much a run does."""

from __future__ import annotations

import msgspec

__all__ = ["Plan"]


class Plan(msgspec.Struct, frozen=True):
    """The long run for figures, or the short one that goes through every path."""

    short: bool

    def size(self, full: int, short: int) -> int:
        return short if self.short else full

    @property
    def rounds(self) -> int:
        """How often every side of a comparison runs."""
        return self.size(9, 3)

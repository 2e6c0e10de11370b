"""Position: where an event that was read stands in the log."""

from __future__ import annotations

import msgspec

__all__ = ["Position"]


class Position(msgspec.Struct, frozen=True, order=True):
    """Partition and offset of an event read from the log; offsets start at 0 and are dense."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"

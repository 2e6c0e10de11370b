"""Place: where a projection's checkpoint lies."""

from __future__ import annotations

import msgspec

__all__ = ["Place"]


class Place(msgspec.Struct, frozen=True, order=True):
    """One generation of a projection, in one partition of the log, for one range of its keys.

    Whoever moves a projection along holds the lease of the place, and no other.
    """

    projection: str
    partition: int = 0
    generation: int = 0
    """Which filling of the read models; see `Generation`."""
    key_range: int = 0
    """Which of the projection's `key_ranges`; 0 where it has one."""

    @property
    def lease(self) -> str:
        """The name of its lease."""
        return f"projection:{self.projection}:{self.generation}:{self.partition}:{self.key_range}"

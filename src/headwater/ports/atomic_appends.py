"""AtomicAppends: several streams, checks and changes in one append."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from headwater.domain.append import Append, Appended

__all__ = ["AtomicAppends"]


@runtime_checkable
class AtomicAppends(Protocol):
    """Engines that can commit more than one stream at once implement this; others lack the method.

    Law: as `EventStore.append`, with any number of writes to distinct streams (none is fine where there is a
    command to record), streams that are checked and not written, and read-model changes: all committed
    together or not at all.
    """

    async def append_atomic(self, append: Append) -> Appended:
        """Commit the append whole, or raise as `EventStore.append` does."""
        ...

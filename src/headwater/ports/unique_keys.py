"""UniqueKeys: who holds one."""

from __future__ import annotations

from typing import Protocol

from headwater.domain.append import UniqueKey

__all__ = ["UniqueKeys"]


class UniqueKeys(Protocol):
    """Unique keys are claimed and released by appends; this looks one up.

    Law: the holder is the stream whose committed append claimed the key last and has not released it.
    """

    async def holder(self, key: UniqueKey) -> str | None:
        """The holding stream as text; None if the key is free."""
        ...

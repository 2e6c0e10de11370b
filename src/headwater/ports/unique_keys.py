"""UniqueKeys: who holds one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from headwater.domain.append import UniqueKey

__all__ = ["HeldKey", "UniqueKeys"]


class HeldKey(msgspec.Struct, frozen=True):
    """A key that is claimed."""

    key: UniqueKey
    stream: str | None
    """The holding stream as text; None where it names no stream, which nothing but damage brings about."""


class UniqueKeys(Protocol):
    """Unique keys are claimed and released by appends; this looks them up.

    Law: the holder is the stream whose committed append claimed the key last and has not released it.
    """

    async def holder(self, key: UniqueKey) -> str | None:
        """The holding stream as text; None if the key is free."""
        ...

    async def held(self, after: UniqueKey | None = None, limit: int = 1_000) -> Sequence[HeldKey]:
        """Claimed keys by scope and value, those behind `after`: at most `limit`."""
        ...

"""Admin: what an operator asks of a store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

__all__ = ["Admin", "Backup", "Finding", "StoreInfo", "StreamInfo"]


class StoreInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A store at a glance."""

    engine: str
    store_id: str
    format: int
    partitions: int
    events: int
    streams: int
    size_bytes: int
    details: dict[str, str] = {}
    """Engine-specific facts worth knowing: versions, modes, paths without secrets."""


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True):
    stream: str
    version: int
    last_timestamp: int
    """Microseconds since 1970."""
    partition_key: str | None = None
    """What decides its partition; None: its name."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong, or worth a warning."""

    severity: str
    """`error` or `warning`."""
    what: str
    where: str = ""


class Admin(Protocol):
    """Looks at the whole store; never changes it."""

    async def info(self) -> StoreInfo: ...

    async def streams(self, after: str = "", limit: int = 100, category: str | None = None) -> Sequence[StreamInfo]:
        """Streams by name, those after `after`."""
        ...

    def verify(self) -> AsyncIterator[Finding | int]:
        """Check every stored byte against its checksum and every count against its source.

        Yields findings as they come, and whole numbers: how many events have been checked so far.
        """
        ...

    async def doctor(self) -> Sequence[Finding]:
        """Settings and surroundings that endanger the promises."""
        ...


@runtime_checkable
class Backup(Protocol):
    """A consistent copy while the store is in use."""

    def backup(self, target: Path) -> AsyncIterator[tuple[int, int]]:
        """Write a copy that opens as a store; yields (pages done, pages in all). The target must not exist."""
        ...

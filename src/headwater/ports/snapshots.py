"""Snapshots: a cache of folded state."""

from __future__ import annotations

from typing import Protocol

import msgspec

__all__ = ["Snapshot", "Snapshots"]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a stream's fold as of a version."""

    stream: str
    kind: str
    """Which fold: class name and a fingerprint of its code. Another kind is as good as none."""
    version: int
    state: bytes


class Snapshots(Protocol):
    """At most one snapshot for each stream and kind. A cache: losing it loses nothing.

    Law: what comes back is what was saved last, or None; damaged bytes are None, never data.
    """

    async def load(self, stream: str, kind: str) -> Snapshot | None: ...

    async def save(self, snapshot: Snapshot) -> None:
        """Keep it, unless one of a later version is kept already."""
        ...

    async def delete(self, stream: str) -> None:
        """Forget the snapshots of a stream, of every kind."""
        ...

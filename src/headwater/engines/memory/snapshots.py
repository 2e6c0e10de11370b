"""Snapshots: by stream and kind."""

from __future__ import annotations

from headwater.engines.memory.state import Part
from headwater.ports.snapshots import Snapshot

__all__ = ["MemorySnapshots"]


class MemorySnapshots(Part):
    async def load(self, stream: str, kind: str) -> Snapshot | None:
        return self._state.snapshots.get(stream, {}).get(kind)

    async def save(self, snapshot: Snapshot) -> None:
        kinds = self._state.snapshots.setdefault(snapshot.stream, {})
        kept = kinds.get(snapshot.kind)
        if kept is None or kept.version <= snapshot.version:
            kinds[snapshot.kind] = snapshot

    async def delete(self, stream: str) -> None:
        self._state.snapshots.pop(stream, None)

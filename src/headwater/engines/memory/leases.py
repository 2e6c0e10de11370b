"""Leases: the last lease of each name."""

from __future__ import annotations

import msgspec

from headwater.engines.memory.state import Part
from headwater.ports.leases import Lease

__all__ = ["MemoryLeases"]


class MemoryLeases(Part):
    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        state = self._state
        now = state.now()
        if state.backed_off.get(name, now) > now:
            return None
        last = state.leases.get(name)
        held = last is not None and last.expires_at > now
        if last is not None and held and last.owner != owner:
            return None
        before = 0 if last is None else last.epoch
        lease = Lease(
            name=name, owner=owner, epoch=before if held else before + 1, expires_at=now + round(ttl * 1_000_000)
        )
        state.leases[name] = lease
        return lease

    async def release(self, lease: Lease) -> None:
        self._give_back(lease)

    async def back_off(self, lease: Lease, seconds: float) -> None:
        if self._give_back(lease):
            self._state.backed_off[lease.name] = self._state.now() + round(seconds * 1_000_000)

    async def holders(self) -> list[Lease]:
        now = self._state.now()
        return [lease for _, lease in sorted(self._state.leases.items()) if lease.expires_at > now]

    def _give_back(self, lease: Lease) -> bool:
        """False if it was taken over."""
        state = self._state
        last = state.leases.get(lease.name)
        if last is None or (last.owner, last.epoch) != (lease.owner, lease.epoch):
            return False
        state.leases[lease.name] = msgspec.structs.replace(last, expires_at=0)
        state.committed()
        return True

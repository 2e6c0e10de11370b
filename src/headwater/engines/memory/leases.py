"""Leases: the last lease of each name."""

from __future__ import annotations

import msgspec

from headwater.engines.memory.state import Part
from headwater.ports.leases import Lease

__all__ = ["MemoryLeases"]


class MemoryLeases(Part):
    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        state = self._state
        now, last = state.now(), state.leases.get(name)
        if last is not None and self._is_taken(last, owner, now):
            return None
        is_kept = last is not None and last.expires_at > now and last.owner == owner
        before = 0 if last is None else last.epoch
        lease = Lease(
            name=name, owner=owner, epoch=before if is_kept else before + 1, expires_at=now + round(ttl * 1_000_000)
        )
        state.leases[name] = lease
        state.leased_at[name] = now
        state.backed_off.pop(name, None)
        return lease

    async def release(self, lease: Lease) -> None:
        self._give_back(lease)

    async def back_off(self, lease: Lease, seconds: float) -> None:
        if self._give_back(lease):
            now = self._state.now()
            self._state.leased_at[lease.name] = now
            self._state.backed_off[lease.name] = now + round(seconds * 1_000_000)

    async def holders(self) -> list[Lease]:
        state = self._state
        now = state.now()
        held = [lease for _, lease in sorted(state.leases.items()) if lease.expires_at > now]
        return [lease for lease in held if state.leased_at[lease.name] <= now]

    def _is_taken(self, last: Lease, owner: str, now: int) -> bool:
        state = self._state
        if now < state.leased_at[last.name]:  # the clock has stepped back
            return False
        return (last.expires_at > now and last.owner != owner) or state.backed_off.get(last.name, now) > now

    def _give_back(self, lease: Lease) -> bool:
        """False if it was taken over."""
        state = self._state
        last = state.leases.get(lease.name)
        if last is None or (last.owner, last.epoch) != (lease.owner, lease.epoch):
            return False
        state.leases[lease.name] = msgspec.structs.replace(last, expires_at=0)
        state.committed()
        return True

"""Leases: the last lease of each name."""

from __future__ import annotations

import msgspec

from headwater.engines.memory.state import Held, Part
from headwater.ports.leases import Lease

__all__ = ["MemoryLeases"]


class MemoryLeases(Part):
    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        now, last = self._state.now(), self._state.leases.get(name)
        if last is not None and _is_taken(last, owner, now):
            return None
        is_kept = last is not None and last.lease.expires_at > now and last.lease.owner == owner
        before = 0 if last is None else last.lease.epoch
        expires_at = now + round(ttl * 1_000_000)
        lease = Lease(name=name, owner=owner, epoch=before if is_kept else before + 1, expires_at=expires_at)
        self._state.leases[name] = Held(lease, now)
        return lease

    async def release(self, lease: Lease) -> None:
        self._give_back(lease)

    async def back_off(self, lease: Lease, seconds: float) -> None:
        if (held := self._give_back(lease)) is not None:
            held.since = self._state.now()
            held.left_alone_until = held.since + round(seconds * 1_000_000)

    async def holders(self) -> list[Lease]:
        now, leases = self._state.now(), self._state.leases
        return [held.lease for _, held in sorted(leases.items()) if held.since <= now < held.lease.expires_at]

    def _give_back(self, lease: Lease) -> Held | None:
        """What is kept of it; None if it was taken over."""
        held = self._state.leases.get(lease.name)
        if held is None or (held.lease.owner, held.lease.epoch) != (lease.owner, lease.epoch):
            return None
        held.lease = msgspec.structs.replace(held.lease, expires_at=0)
        self._state.committed()
        return held


def _is_taken(last: Held, owner: str, now: int) -> bool:
    if now < last.since:  # the clock has stepped back
        return False
    return (last.lease.expires_at > now and last.lease.owner != owner) or last.left_alone_until > now

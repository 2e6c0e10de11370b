"""Leases: who may do a piece of work."""

from __future__ import annotations

from typing import Protocol

import msgspec

__all__ = ["Lease", "Leases"]


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to do a piece of work until it expires."""

    name: str
    owner: str
    epoch: int
    """Rises with every change of owner; what is written under an older one is refused."""
    expires_at: int
    """Microseconds since 1970, by the engine's clock."""


class Leases(Protocol):
    """Leases with a fencing epoch.

    Law: at most one unexpired lease of a name. Acquiring a free or expired one raises the epoch; the owner's own
    acquire keeps it. The lease is only for liveness: safety comes from the epoch in each commit. After `back_off`
    nobody, in any process, acquires it until the time is over. An attempt in vain is no commit: it wakes nobody.
    Where time is told by the processes and not by a server, a lease that expires further away than the `ttl` it was
    taken for, as the clock has stepped back, counts as expired to anybody else, and a back-off as over: nobody waits
    for a holder who died before the step.
    """

    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        """Take or keep the lease for `ttl` seconds; None while another holds it, or while it is backed off."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give it back; nothing happens if it was taken over."""
        ...

    async def back_off(self, lease: Lease, seconds: float) -> None:
        """Give it back, and have it left alone for `seconds`; nothing happens if it was taken over."""
        ...

    async def holders(self) -> list[Lease]:
        """Every unexpired lease, by name."""
        ...

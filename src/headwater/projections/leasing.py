"""Leasing: asking for a lease so that nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib

from headwater.errors import StoreError
from headwater.ports.leases import Lease, Leases

__all__ = ["acquired"]


async def acquired(leases: Leases, name: str, owner: str, seconds: float) -> Lease | None:
    """As `Leases.acquire`; cancelled meanwhile, it gives back what the store has granted all the same."""
    asking = asyncio.ensure_future(leases.acquire(name, owner, seconds))
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        with contextlib.suppress(StoreError):
            lease = await asking
            if lease is not None:
                await leases.release(lease)
        raise

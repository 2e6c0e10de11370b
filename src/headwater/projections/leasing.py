"""Leasing: leases taken and given back so that nothing is left behind, even where the asking is cancelled."""

from __future__ import annotations

import asyncio
import contextlib

from headwater.errors import StoreError
from headwater.ports.leases import Lease, Leases

__all__ = ["acquired", "given_back"]


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


async def given_back(leases: Leases, lease: Lease) -> None:
    """As `Leases.release`, even for who is cancelled meanwhile; out of reach of the store it runs out by itself."""
    giving = asyncio.ensure_future(leases.release(lease))
    with contextlib.suppress(StoreError):
        try:
            await asyncio.shield(giving)
        except asyncio.CancelledError:
            await giving
            raise

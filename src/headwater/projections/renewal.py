"""Renewal: keeps leases while the work they are for goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from headwater.errors import HeadwaterError, LeaseLost
from headwater.ports.leases import Lease, Leases

__all__ = ["Renewal"]


class Renewal:
    """Beside the work, in a task: a page that takes longer than the lease must not cost it. Use it with `async with`.

    `check` says between two pages whether they are still held; `seconds` is the life of a lease.
    """

    def __init__(self, leases: Leases, seconds: float, held: Sequence[Lease]) -> None:
        self._leases = leases
        self._seconds = seconds
        self._held = held
        self._lost: Lease | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._renew())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))  # else it could take back a lease that is being given up

    def check(self) -> None:
        """Raises LeaseLost if another process has taken one of them."""
        if self._lost is not None:
            raise LeaseLost(f"the lease {self._lost.name} went to another process")

    async def _renew(self) -> None:
        while self._lost is None:
            await asyncio.sleep(self._seconds / 3)
            for lease in self._held:
                await self._keep(lease)

    async def _keep(self, held: Lease) -> None:
        try:
            lease = await self._leases.acquire(held.name, held.owner, self._seconds)
        except HeadwaterError:  # whoever works meets it, too
            return
        if lease is None or lease.epoch != held.epoch:
            self._lost = held

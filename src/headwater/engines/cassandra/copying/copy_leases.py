"""Copy leases: nobody but the copy itself has the log of an unfinished copy grow."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.protocol.core import ask
from headwater.engines.cassandra.protocol.leasing import acquire, release
from headwater.engines.cassandra.protocol.requests import ReadLeaseSerially
from headwater.errors import StoreBusy

__all__ = ["CopyLeases"]

_LAST: Final = 30 * 86_400 * 1_000_000
"""Microseconds: for as long as an unfinished copy may be left alone. What is held is held by the copy, whichever
process goes on with it."""
_PAUSE: Final = 0.5
"""Seconds at most between two looks whether another process has let go."""


class CopyLeases:
    """The leases of all sequencers, so that what was appended stays for the copy to log, in the order it was given,
    though the process that appended it is gone."""

    def __init__(
        self,
        performer: Performer,
        rest: Callable[[], Awaitable[None]],
        resume: Callable[[], None],
        patience: float,
    ) -> None:
        """`rest` stops the sequencers of this engine object, `resume` has them stand by again."""
        self._run = performer.run
        self._rest = rest
        self._resume = resume
        self._patience = patience
        self.are_held = False

    async def hold(self, origin: str, partitions: int) -> None:
        """Hold all leases for the copy of a store; idempotent. Raises StoreBusy while another process has one."""
        if self.are_held:
            return
        await self._rest()
        ends_at = time.monotonic() + self._patience
        try:
            await asyncio.gather(*[self._acquire(part, _owner(origin), ends_at) for part in range(partitions)])
        except BaseException:
            self._resume()
            raise
        self.are_held = True

    async def give_back(self, origin: str, partitions: int) -> None:
        """Let the sequencers work, whoever held the leases for that copy."""
        were_held, self.are_held = self.are_held, False
        await asyncio.gather(*[self._release(part, _owner(origin)) for part in range(partitions)])
        if were_held:
            self._resume()

    async def _acquire(self, part: int, owner: str, ends_at: float) -> None:
        while await self._run(acquire(_name(part), owner, time.time_ns() // 1_000, _LAST)) is None:
            if time.monotonic() >= ends_at:
                raise StoreBusy(
                    f"another process has partition {part} of the log grow: close whatever runs on this store, "
                    "and go on with the copy"
                )
            await asyncio.sleep(_PAUSE * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    async def _release(self, part: int, owner: str) -> None:
        lease = await self._run(ask(ReadLeaseSerially(_name(part))))
        if lease is not None and lease.owner == owner:
            await self._run(release(_name(part), lease))


def _name(part: int) -> str:
    return f"sequencer:{part}"


def _owner(origin: str) -> str:
    return f"copy of {origin}"

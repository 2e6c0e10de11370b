"""Sequencers: one for each partition of the log, at work or standing by for whoever is."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final
from uuid import uuid4

from headwater.engines.cassandra.appending.hints import Hints
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.appending.sequencer import Sequencer, Told
from headwater.engines.cassandra.appending.under_way import UnderWay
from headwater.engines.cassandra.protocol.rows import Hint
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.errors import HeadwaterError

__all__ = ["Sequencers"]

_MOST_HINTS: Final = 10_000
_PATIENCE: Final = 5.0
"""Seconds in which leases are given back, or left to expire."""


class Sequencers:
    """Those of one engine object."""

    def __init__(self, performer: Performer, logged: Told, settled: Told) -> None:
        self.under_way = UnderWay()
        """What is appended here, and need not be looked for."""
        self._performer = performer
        self._told = logged, settled
        self._hints: list[Hints] = []
        self._all: list[Sequencer] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, partitions: int, shape: Shape) -> None:
        """Stand by from now on, and work where nobody else does."""
        name = uuid4().hex
        self._hints = [Hints(_MOST_HINTS) for _ in range(partitions)]
        self._all = [
            Sequencer(part, name, self._performer, shape, hints, self.under_way, *self._told)
            for part, hints in enumerate(self._hints)
        ]
        self._tasks = [asyncio.create_task(each.work(), name=f"headwater-sequencer-{each.part}") for each in self._all]

    async def stop(self) -> None:
        """Give the leases back; idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        everyone, self._all = self._all, []
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*[_stopped(each) for each in everyone])
        self._hints = []

    def hint(self, hint: Hint) -> None:
        """An append of this process is committed. Where another has the log grow, its scan finds it."""
        if self.is_owner(hint.intent.part):
            self._hints[hint.intent.part].give(hint)

    def is_owner(self, part: int) -> bool:
        """Whether this engine object has the partition of the log grow."""
        return bool(self._all) and self._all[part].is_owner

    def failures(self) -> list[tuple[int, Exception]]:
        """Which partitions stand still here, and why."""
        return [(each.part, each.failure) for each in self._all if each.failure is not None]


async def _stopped(sequencer: Sequencer) -> None:
    with suppress(HeadwaterError):
        await sequencer.stop()

"""Bugs of an engine made of two stores: each breaks one rule that neither of the two can keep by itself."""

from __future__ import annotations

from headwater.ports.engine import Engine
from headwater.split import SplitEngine

__all__ = ["BindsTheLogFirst", "BindsTheLogLast", "ResetsItsOwnPartitions", "TakesChanges", "WakesForItsLog"]


class ResetsItsOwnPartitions(SplitEngine):
    """A reset fences as many partitions as the second store would have, whatever the log has."""

    def __init__(self, log: Engine, views: Engine) -> None:
        super().__init__(log, views)
        self.projections = views.projections


class WakesForItsLog(SplitEngine):
    """Whoever waits for a checkpoint or a row is not woken by it."""

    def __init__(self, log: Engine, views: Engine) -> None:
        super().__init__(log, views)
        self.wakeups = log.wakeups


class TakesChanges(SplitEngine):
    """Rows committed with the events go where nobody looks for them."""

    def __init__(self, log: Engine, views: Engine) -> None:
        super().__init__(log, views)
        self.events = log.events


class BindsTheLogFirst(SplitEngine):
    """What is refused for the second store has bound the first one, for good."""

    async def follow(self, store_id: str) -> None:
        await self._log.follow(store_id)
        await self._views.follow(store_id)


class BindsTheLogLast(SplitEngine):
    """A new store is bound, for good, to what is no log."""

    async def follow(self, store_id: str) -> None:
        await self._views.follow(store_id)
        await self._log.follow(store_id)

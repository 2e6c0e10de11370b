"""Wakeups of two stores: whichever commits, whoever waits is woken."""

from __future__ import annotations

import asyncio

from headwater.ports.wakeups import KnowsOthers, Wakeups

__all__ = ["wakeups_of_both"]


class BothWakeups:
    """A counter that moves with either's. Read models are the second one's, and so are their changes."""

    def __init__(self, log: Wakeups, views: Wakeups) -> None:
        self._log = log
        self._views = views
        self.changes = views.changes

    def seen(self) -> int:
        return self._log.seen() + self._views.seen()

    async def wait(self, seen: int, timeout: float) -> int:
        log, views = self._log.seen(), self._views.seen()
        if log + views <= seen:
            waits = [
                asyncio.ensure_future(self._log.wait(log, timeout)),
                asyncio.ensure_future(self._views.wait(views, timeout)),
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)
        return self.seen()


class BothKnowOthers(BothWakeups):
    """The same of two that tell their own commits from others'."""

    def __init__(self, log: Wakeups, views: Wakeups, known: tuple[KnowsOthers, KnowsOthers]) -> None:
        super().__init__(log, views)
        self._known = known
        self.changes_elsewhere = known[1].changes_elsewhere

    def others(self) -> int:
        return sum(wakeups.others() for wakeups in self._known)


def wakeups_of_both(log: Wakeups, views: Wakeups) -> Wakeups:
    """What wakes for both."""
    if isinstance(log, KnowsOthers) and isinstance(views, KnowsOthers):
        return BothKnowOthers(log, views, (log, views))
    return BothWakeups(log, views)

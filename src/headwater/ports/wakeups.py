"""Wakeups: something may be new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from headwater.models.model import ReadModel

__all__ = ["KnowsOthers", "Wakeups"]


class Wakeups(Protocol):
    """Tells waiting readers that the store may have changed, in this process or another.

    Law: after a commit made anywhere, `wait(seen)` with a counter taken before it returns within the engine's
    polling interval. It may return early; it never misses. A commit made through this engine has moved `seen` by the
    time it returns. The count of a read model moves in the transaction that
    changes its rows, makes its table anew or swaps its generation.
    """

    def seen(self) -> int:
        """A counter to hand to `wait`: take it before looking at the store."""
        ...

    async def wait(self, seen: int, timeout: float) -> int:
        """Return once the counter has moved past `seen`, or after `timeout` seconds; the counter now."""
        ...

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        """A count for each read model that moves with every change of what is served; 0 for one without a table."""
        ...


@runtime_checkable
class KnowsOthers(Protocol):
    """Wakeups that can tell the commits made through their own engine object from all others."""

    def others(self) -> int:
        """A counter that moves with others' commits, no later than `seen` does. It may move without one."""
        ...

    async def changes_elsewhere(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        """As `Wakeups.changes`, but for what others change: it stands while only this engine object changes a model.

        An engine that cannot tell whose a change was gives `changes`.
        """
        ...

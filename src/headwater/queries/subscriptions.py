"""Subscriptions: those that run on one bus, no more than it takes at once."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from weakref import WeakSet

from headwater.errors import InvalidInput, MissingHandler, StoreBusy
from headwater.limits import Limits
from headwater.ports.engine import Identity
from headwater.queries.subscription import QuerySubscription
from headwater.queries.update_cursor import UpdateCursor
from headwater.read_models.change_watch import ChangeWatch

__all__ = ["Subscriptions"]


class Subscriptions:
    """Opens subscriptions; one that has ended, or that nobody refers to any more, makes room for another."""

    def __init__(self, watch: ChangeWatch | None, identity: Identity | None, limits: Limits) -> None:
        self._watch = watch
        self._identity = identity
        self._most = limits.subscriptions
        self._running: WeakSet[QuerySubscription[object]] = WeakSet()

    def open(
        self, ask: Callable[[], Awaitable[object]], question: str, *, after: str | None, min_interval: float
    ) -> QuerySubscription[object]:
        """`ask` answers the question. Raises MissingHandler, InvalidInput, InvalidCursor, StoreBusy."""
        if self._watch is None or self._identity is None:
            raise MissingHandler("this bus runs alone and hears of no changes: use CQRSManager's")
        if not 0 <= min_interval < math.inf:
            raise InvalidInput(f"min_interval= takes a number of seconds from 0, got {min_interval!r}")
        cursor = UpdateCursor(question, self._identity)
        if len(self._running) >= self._most and sum(each.watching() for each in self._running) >= self._most:
            raise StoreBusy(f"{self._most:,} subscriptions are running: end some, or raise Limits(subscriptions=...)")
        opened = QuerySubscription(ask, self._watch, cursor, after=after, min_interval=min_interval)
        self._running.add(opened)
        return opened

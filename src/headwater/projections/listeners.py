"""Listeners: who is told that an event could not be projected."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from headwater.domain.event import Recorded
from headwater.errors import UnknownName
from headwater.projections.page import Failure

__all__ = ["ErrorListener", "Listeners", "Occasion"]

ErrorListener: TypeAlias = Callable[[Exception, Recorded[object]], "Awaitable[object] | object"]
Occasion: TypeAlias = Literal["projection_error"]

_log = logging.getLogger("headwater.projections")


class Listeners:
    """Functions called with (error, event) after the event is parked; one that raises is logged."""

    def __init__(self) -> None:
        self._listeners: list[ErrorListener] = []

    def on(self, occasion: Occasion, listener: ErrorListener) -> None:
        """Call `listener`, sync or async; the only occasion is `projection_error`, any other is UnknownName."""
        if occasion != "projection_error":
            raise UnknownName(f"nothing is called {occasion!r} here: listen to 'projection_error'")
        self._listeners.append(listener)

    async def tell(self, failure: Failure) -> None:
        """Call them in the order they came."""
        for listener in self._listeners:
            try:
                said = listener(failure.error, failure.event)
                if inspect.isawaitable(said):
                    await said
            except Exception:
                _log.exception("a projection_error listener failed")

"""Arrivals: between those who wait in this process and the projections that run here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

import msgspec

from headwater.ports.place import Place

__all__ = ["Arrivals", "Standing"]

Hurry: TypeAlias = Callable[[int], None]


class Standing(msgspec.Struct, frozen=True):
    """Where a projection that runs here stands at a place."""

    offset: int
    """Every effect of events below it is committed."""
    parked: bool
    """Some key is parked, so passing an offset does not yet mean that its event had an effect."""


class Arrivals:
    """One for an application; a runner speaks for its place only while it holds the lease."""

    def __init__(self) -> None:
        self._standings: dict[Place, Standing] = {}
        self._waiters: dict[Place, dict[asyncio.Future[None], int]] = {}
        self._runners: dict[Place, Hurry] = {}
        self._failures: dict[Place, Exception] = {}
        self.served: dict[str, tuple[Place, ...]] = {}
        """The places of the generation that is served, for projections that run here, as far as is known here."""

    def at(self, place: Place) -> Standing | None:
        """Where it stands; None if it does not run here."""
        return self._standings.get(place)

    def started(self, place: Place) -> None:
        """Said when it is to run here: what ended it before counts no more."""
        self._failures.pop(place, None)

    def joined(self, place: Place, hurry: Hurry) -> None:
        """Said by the runner that has the lease; `hurry` is told each offset that somebody waits for."""
        self._runners[place] = hurry
        for offset in self._waiters.get(place, {}).values():
            hurry(offset)

    def moved(self, place: Place, offset: int, parked: bool) -> None:
        """Said by the runner after each commit."""
        self._standings[place] = Standing(offset, parked)
        if place in self._waiters:
            self._wake(place, offset)

    def left(self, place: Place) -> None:
        """Said by the runner when it gives up the lease: whoever waits must look elsewhere."""
        self._runners.pop(place, None)
        if self._standings.pop(place, None) is not None:
            self._wake(place, None)

    def gave_up(self, place: Place, error: Exception) -> None:
        """Said by the runner that ends for good."""
        self._failures[place] = error
        self._wake(place, None)

    def failure(self, place: Place) -> Exception | None:
        """Why it no longer runs here."""
        return self._failures.get(place)

    @contextmanager
    def waiting(self, place: Place, offset: int) -> Generator[asyncio.Future[None], None, None]:
        """What is done once the checkpoint is at `offset` or beyond, or the runner is gone: from here on, so that
        nothing is missed between a look and the wait that follows."""
        arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(place, {})[arrival] = offset
        if (hurry := self._runners.get(place)) is not None:
            hurry(offset)
        try:
            yield arrival
        finally:
            self._waiters.get(place, {}).pop(arrival, None)

    def _wake(self, place: Place, offset: int | None) -> None:
        waiters = self._waiters.get(place, {})
        for waiter in [w for w, wanted in waiters.items() if offset is None or wanted <= offset]:
            del waiters[waiter]
            if not waiter.done():
                waiter.set_result(None)
        if not waiters:
            self._waiters.pop(place, None)

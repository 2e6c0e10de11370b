"""Troubles: what keeps a place from going on, written beside its checkpoint."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets

from headwater.errors import (
    CheckpointAheadOfLog,
    HandlerExited,
    PageUnfinished,
    ParkingFull,
    ProjectionStopped,
    StoreError,
)
from headwater.ports.clock import Clock
from headwater.ports.conditions import Conditions, Trouble, TroubleKind
from headwater.ports.place import Place

__all__ = ["Troubles", "kind_of", "new_owner"]

_LONGEST = 4_000
"""Characters of an error that are kept."""


class Troubles:
    """Of one place: how often in a row it failed, in whatever process, and how long it is left alone."""

    def __init__(self, conditions: Conditions, place: Place, owner: str, clock: Clock) -> None:
        self._conditions = conditions
        self._place = place
        self._owner = owner
        self._clock = clock
        self._reported: Trouble | None = None

    async def report(self, error: Exception, offset: int, pause: float, longest: float) -> float:
        """Keep what happened; seconds to leave the place alone: `pause`, doubled with each failure, up to `longest`.

        Where the store cannot take it, which may be the trouble itself, it is known here alone.
        """
        with contextlib.suppress(StoreError):
            await self.learn()
        now = self._clock.micros()
        before = self._reported
        failures = 1 if before is None else before.failures + 1
        seconds = min(pause * 2.0 ** min(failures - 1, 30), longest)
        trouble = Trouble(
            place=self._place,
            kind=kind_of(error),
            error=f"{type(error).__name__}: {error}"[:_LONGEST],
            offset=offset,
            since=now if before is None else before.since,
            owner=self._owner,
            failures=failures,
            retry_at=now + round(seconds * 1_000_000) if seconds > 0 else None,
        )
        self._reported = trouble
        with contextlib.suppress(StoreError):
            await self._conditions.report(self._place, trouble)
        return seconds

    async def over(self) -> None:
        """It goes on. Raises StoreError."""
        if self._reported is not None:
            await self._conditions.report(self._place, None)
            self._reported = None

    async def learn(self) -> None:
        """What was reported last, by whoever held the place. Raises StoreError."""
        known = [trouble for trouble in await self._conditions.troubles() if trouble.place == self._place]
        self._reported = known[0] if known else None


def kind_of(error: Exception) -> TroubleKind:
    """Where the cause of an error lies."""
    match error:
        case StoreError():
            return "store"
        case CheckpointAheadOfLog():
            return "log"
        case HandlerExited():
            return "handler"
        case ProjectionStopped() | PageUnfinished():
            return "event"
        case ParkingFull():
            return "parking"
        case _:
            return "unexpected"


def new_owner() -> str:
    """A name for a worker that says where it is: host, process, and what tells two of a process apart."""
    return f"{platform.node()[:64]}:{os.getpid()}:{secrets.token_hex(4)}"

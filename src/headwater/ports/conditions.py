"""Conditions: what keeps a projection from going on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from headwater.ports.place import Place

__all__ = ["Conditions", "Pause", "Trouble", "TroubleKind"]

TroubleKind = Literal["store", "log", "handler", "event", "parking", "unexpected"]
"""Where it lies: a store out of reach; the log and a checkpoint at odds; a handler that ended itself; an event that
stops its projection by declaration; a parking lot that is full; what nobody foresaw."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A projection told to stand still, in every process, until it is resumed."""

    projection: str
    by: str = ""
    reason: str = ""
    since: int = 0
    """Microseconds since 1970."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a place does not move on by itself."""

    place: Place
    kind: TroubleKind
    error: str
    """Type and text of the exception."""
    offset: int
    """Where the checkpoint stands."""
    since: int
    """Microseconds since 1970: of the first of its failures in a row."""
    owner: str
    """Who met it: host, process and worker."""
    failures: int = 1
    """In a row."""
    retry_at: int | None = None
    """Microseconds since 1970; None: not before somebody acts."""


class Conditions(Protocol):
    """Pauses and troubles, kept beside the checkpoints.

    Law: durable, and the same for every process. One pause for a projection, one trouble for a place; a new one
    takes the place of the old.
    """

    async def pause(self, pause: Pause) -> None:
        """Have a projection stand still."""
        ...

    async def resume(self, projection: str) -> bool:
        """Let it go on; False if it was not paused."""
        ...

    async def pauses(self) -> Sequence[Pause]:
        """By projection."""
        ...

    async def report(self, place: Place, trouble: Trouble | None) -> None:
        """Keep what went wrong at a place; None: it is over."""
        ...

    async def troubles(self) -> Sequence[Trouble]:
        """By place."""
        ...

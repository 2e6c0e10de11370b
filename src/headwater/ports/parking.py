"""Parking: events a projection could not handle, and those that wait behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["ParkedEvent", "Parking"]


class ParkedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event set aside, with its cause; or one of the same key that came after it (`error` is None)."""

    projection: str
    partition: int
    offset: int
    key: str
    """What the projection orders by: the stream, unless it declares another."""
    type: str
    error: str | None = None
    """Type and text of the exception; None for an event that waits behind another."""
    trace: str = ""
    attempts: int = 1
    parked_at: int = 0
    """Microseconds since 1970."""
    data: bytes | None = None
    """JSON that replaces the event's data on retry, after an edit."""


class Parking(Protocol):
    """The dead letters of projections.

    Law: parked events of one key are kept in offset order; parking one twice keeps it once, with the later
    cause and the attempts added.
    """

    async def parked(self, projection: str | None = None, key: str | None = None) -> Sequence[ParkedEvent]:
        """What is parked, by projection, partition and offset."""
        ...

    async def park(self, event: ParkedEvent) -> None:
        """Set one aside."""
        ...

    async def edit(self, projection: str, partition: int, offset: int, data: bytes) -> bool:
        """Replace the data a retry will use; False if nothing is parked there."""
        ...

    async def discard(self, projection: str, partition: int, offset: int) -> bool:
        """Forget one for good; False if nothing is parked there."""
        ...

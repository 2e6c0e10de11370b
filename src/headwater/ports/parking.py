"""Parking: events a projection could not handle, and those that wait behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["ParkedEvent", "ParkedPlace", "ParkedQueue", "Parking"]


class ParkedPlace(msgspec.Struct, frozen=True, order=True):
    """Which event of which projection; what is listed comes in this order."""

    projection: str
    generation: int
    partition: int
    offset: int


class ParkedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event set aside, with its cause; or one of the same key that came after it (`error` is None)."""

    projection: str
    generation: int = 0
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
    retry_at: int | None = None
    """When it is tried again by itself, in microseconds since 1970; None: when somebody asks for it."""
    data: bytes | None = None
    """JSON that replaces the event's data on retry, after an edit."""

    @property
    def place(self) -> ParkedPlace:
        return ParkedPlace(self.projection, self.generation, self.partition, self.offset)


class ParkedQueue(msgspec.Struct, frozen=True, kw_only=True):
    """One key's parked events in one partition, at a glance."""

    projection: str
    generation: int
    partition: int
    key: str
    first: int
    """The offset of the event the others wait for."""
    events: int
    error: str | None
    """Why the first is parked; None: it is free to go."""
    retry_at: int | None


class Parking(Protocol):
    """The dead letters of projections.

    Law: parked events of one key are kept in offset order; parking one twice keeps it once, with the later cause,
    the later `retry_at`, and the attempts added. Data edited before stays, unless there is newer.
    """

    async def queues(
        self, projection: str, generation: int, partition: int | None = None, limit: int | None = None
    ) -> Sequence[ParkedQueue]:
        """The keys that are parked, by partition and first offset; at most `limit` of them."""
        ...

    async def parked(
        self,
        projection: str | None = None,
        key: str | None = None,
        *,
        generation: int | None = None,
        partition: int | None = None,
        after: ParkedPlace | None = None,
        limit: int = 1_000,
    ) -> Sequence[ParkedEvent]:
        """What is parked, by place, those behind `after`: at most `limit`."""
        ...

    async def park(self, event: ParkedEvent) -> None:
        """Set one aside."""
        ...

    async def edit(self, place: ParkedPlace, data: bytes) -> bool:
        """Replace the data a retry will use; False if nothing is parked there."""
        ...

    async def discard(self, place: ParkedPlace) -> bool:
        """Forget one for good; False if nothing is parked there."""
        ...

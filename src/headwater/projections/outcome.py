"""Outcome: what became of a page's events, beside the changes they made."""

from __future__ import annotations

import msgspec

from headwater.domain.event import Recorded, StoredEvent
from headwater.errors import ParkingFull, ProjectionStopped
from headwater.ports.parking import ParkedEvent
from headwater.projections.decoding import Decoded

__all__ = ["Failure", "Outcome", "failure_of"]


class Failure(msgspec.Struct, frozen=True):
    """An event that could not be handled, and why."""

    error: Exception
    event: Recorded[object]


class Outcome(msgspec.Struct):
    """What is to be committed beside the changes, and what is to be told once it is."""

    parked: list[ParkedEvent] = []
    """In the log's order."""
    failures: list[Failure] = []
    """Of the events that were parked for a cause of their own, and of those that were skipped."""
    skipped: int = 0
    """Events passed by for good, as their error's policy says."""
    stopped_at: int | None = None
    """The offset of an event that cannot be passed: changes and the rest here are of the events before it."""
    stopped_by: ProjectionStopped | ParkingFull | None = None
    """Why; its `__cause__` is what the event's handler raised."""

    @property
    def left_out(self) -> set[int]:
        """The offsets of events that made no changes: they were parked, or skipped."""
        return {event.offset for event in self.parked} | {failure.event.stored.offset for failure in self.failures}

    @property
    def cause(self) -> Exception | None:
        """What the handler raised of an only event; None if it was handled, or skipped."""
        if self.stopped_by is not None:
            raised = self.stopped_by.__cause__
            return raised if isinstance(raised, Exception) else self.stopped_by
        return self.failures[0].error if self.parked else None


def failure_of(stored: StoredEvent, item: Decoded, error: Exception) -> Failure:
    """What those are told who listen to errors; the data is None where it cannot be read."""
    event = item[0] if isinstance(item, tuple) and item else item
    return Failure(error, event if isinstance(event, Recorded) else Recorded(stored, None))

"""Events: every entry of the log, and what it means where it means more than a note."""

from __future__ import annotations

from datetime import datetime

from headwater import Event

__all__ = [
    "Entry",
    "IncidentClosed",
    "IncidentEvent",
    "IncidentOpened",
    "IncidentReassigned",
    "IncidentReopened",
    "IncidentResolved",
    "IncidentUpdated",
    "StateChanged",
]


class IncidentEvent(Event):
    """What all of them say."""

    number: str
    line: int
    """The entry's place in the input, from 1."""
    at: datetime
    """When the desk made the entry, by its own clock."""

    @property
    def month(self) -> str:
        """The month of the entry, `2016-03`."""
        return f"{self.at.year:04}-{self.at.month:02}"


class Entry(IncidentEvent):
    """How the incident stood after the entry. Each command leaves exactly one."""

    version: int
    """The place among the incident's entries, from 1."""
    state: str
    priority: str
    group: str | None
    assigned_to: str | None
    made_sla: bool
    reassignments: int
    reopens: int
    modifications: int
    opened_at: datetime
    """Before the first entry was made: someone called first."""


class IncidentOpened(Entry):
    """The first entry was made."""


class IncidentUpdated(Entry):
    """Another entry was made."""


class StateChanged(IncidentEvent):
    """It went from one state to another."""

    was: str | None
    """None if it was opened in this state."""
    state: str


class IncidentResolved(StateChanged):
    """Someone holds it for solved."""

    times: int
    """How often by now, this one included."""
    open_seconds: int
    """Since it was opened."""


class IncidentClosed(StateChanged):
    """It was put away."""

    times: int
    """How often by now, this one included."""


class IncidentReassigned(IncidentEvent):
    """The desk counted another change of hands."""

    was: int
    reassignments: int
    group: str | None
    """Whose it is now."""


class IncidentReopened(IncidentEvent):
    """The desk counted another return of what was thought done."""

    was: int
    reopens: int

"""Read models: what the desk's lead looks at."""

from __future__ import annotations

from datetime import datetime

from headwater import Indexed, Key, ReadModel

__all__ = ["GroupTotal", "IncidentView", "Month", "SlaView", "StateTotal", "Transition"]


class IncidentView(ReadModel, table="incidents_incident"):
    """One incident, as its last entry has it."""

    number: Key[str]
    entries: Indexed[int]
    first_state: Indexed[str]
    state: Indexed[str]
    group: Indexed[str | None]
    assigned_to: str | None
    reassignments: Indexed[int]
    """By the desk's own count, as the three below."""
    reopens: Indexed[int]
    modifications: int
    most_modifications: int
    """The highest it ever was."""
    updated_at: datetime
    count_stood: Indexed[bool] = False
    """Once at least, the count of modifications did not rise from one entry to the next."""
    clock_went_back: Indexed[bool] = False
    """Once at least, an entry is older than the one before it."""


class SlaView(ReadModel, table="incidents_sla"):
    """What was promised for one incident, and how it went."""

    number: Key[str]
    priority: Indexed[str]
    made_sla: Indexed[bool]
    opened_at: datetime
    resolved_after: Indexed[int | None] = None
    """Seconds from its opening to the first time it was resolved; None before."""


class Month(ReadModel, table="incidents_month"):
    """What happened in a month; the backlog is what was opened until its end, less what was closed."""

    month: Key[str]
    """`2016-03`."""
    entries: int = 0
    opened: int = 0
    """Incidents with their first entry in it."""
    closed: int = 0
    """Incidents closed in it for the first time."""
    reassigned: int = 0
    reopened: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


class StateTotal(ReadModel, table="incidents_state"):
    """All entries with one state."""

    state: Key[str]
    entries: Indexed[int] = 0


class Transition(ReadModel, table="incidents_transition"):
    """All changes from one state to another."""

    path: Key[str]
    """`Resolved -> Closed`."""
    times: Indexed[int] = 0


class GroupTotal(ReadModel, table="incidents_group"):
    """All entries made while a group had the incident; `?` is nobody."""

    group: Key[str]
    entries: Indexed[int] = 0

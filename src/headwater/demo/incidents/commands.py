"""Commands: what the desk's audit log says happened to an incident, one entry at a time."""

from __future__ import annotations

from datetime import datetime

from headwater.demo.numbered import NumberedCommand

__all__ = ["EntryCommand", "OpenIncident", "UpdateIncident"]


class EntryCommand(NumberedCommand):
    """One entry of the log: how the incident stood then; the result is how many entries it has."""

    number: str
    version: int
    """The place among the incident's entries, from 1."""
    state: str
    priority: str
    group: str | None
    """Whose it is; None where nobody's yet."""
    assigned_to: str | None
    made_sla: bool
    reassignments: int
    """By the desk's own count, as the two below; kept as they are, even where they fall."""
    reopens: int
    modifications: int
    opened_at: datetime
    """Before the first entry was made: someone called first."""
    updated_at: datetime

    @property
    def lane(self) -> str:
        return self.number


class OpenIncident(EntryCommand):
    """The first entry of an incident."""


class UpdateIncident(EntryCommand):
    """A later one."""

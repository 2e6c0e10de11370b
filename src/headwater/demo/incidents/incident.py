"""Incident: the aggregate. It believes the log whatever it says, but takes its entries only in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from headwater import Aggregate, DomainError, on
from headwater.demo.incidents.events import (
    Entry,
    IncidentClosed,
    IncidentOpened,
    IncidentReassigned,
    IncidentReopened,
    IncidentResolved,
    IncidentUpdated,
    StateChanged,
)

__all__ = ["AlreadyOpened", "EntryOutOfOrder", "Incident", "NotOpened"]


class AlreadyOpened(DomainError):
    """An incident is opened once."""


class NotOpened(DomainError):
    """An incident is opened before anything else."""


class EntryOutOfOrder(DomainError):
    """The entries of an incident follow one another without gaps."""


class Incident(Aggregate, category="incident"):
    """As much of the last entry as tells what the next one changes."""

    entries: int = 0
    opened_at: datetime | None = None
    state: str | None = None
    reassignments: int = 0
    reopens: int = 0
    resolved: int = 0
    """How often, as `closed`."""
    closed: int = 0

    def open(self, entry: IncidentOpened) -> None:
        if self.entries:
            raise AlreadyOpened(f"{self.id} is open, and line {entry.line} opens it: send UpdateIncident instead")
        self.emit(entry)
        if entry.state in {"Resolved", "Closed"}:
            self.emit(self._entering(entry, None))

    def update(self, entry: IncidentUpdated) -> None:
        if not self.entries:
            raise NotOpened(f"line {entry.line} updates {self.id}, which is not open: send OpenIncident first")
        if entry.version != self.entries + 1:
            raise EntryOutOfOrder(f"line {entry.line} is entry {entry.version} of {self.id}, {self.entries} are known")
        meant = list(self._meaning(entry))  # before the entry is the last one
        self.emit(entry)
        for event in meant:
            self.emit(event)

    @on(IncidentOpened)
    def opened(self, entry: IncidentOpened) -> None:
        self.opened_at = entry.opened_at
        self._remember(entry)

    @on(IncidentUpdated)
    def updated(self, entry: IncidentUpdated) -> None:
        self._remember(entry)

    @on(StateChanged)
    def state_changed(self, event: StateChanged) -> None:
        """The entry has said so."""

    @on(IncidentResolved)
    def was_resolved(self, event: IncidentResolved) -> None:
        self.resolved = event.times

    @on(IncidentClosed)
    def was_closed(self, event: IncidentClosed) -> None:
        self.closed = event.times

    @on(IncidentReassigned)
    def reassigned(self, event: IncidentReassigned) -> None:
        """The entry has said so."""

    @on(IncidentReopened)
    def reopened(self, event: IncidentReopened) -> None:
        """The entry has said so."""

    def _meaning(self, entry: IncidentUpdated) -> Iterator[StateChanged | IncidentReassigned | IncidentReopened]:
        """What the entry changes: a count that falls changes nothing, one that rises by two happened once."""
        number, line, at = self.id, entry.line, entry.at
        if entry.state != self.state:
            yield self._entering(entry, self.state)
        if entry.reassignments > self.reassignments:
            count, group = entry.reassignments, entry.group
            yield IncidentReassigned(
                number=number, line=line, at=at, was=self.reassignments, reassignments=count, group=group
            )
        if entry.reopens > self.reopens:
            yield IncidentReopened(number=number, line=line, at=at, was=self.reopens, reopens=entry.reopens)

    def _entering(self, entry: Entry, was: str | None) -> StateChanged:
        number, line, at, state = self.id, entry.line, entry.at, entry.state
        if state == "Resolved":
            assert self.opened_at is not None  # it was opened before anything else
            return IncidentResolved(
                number=number,
                line=line,
                at=at,
                was=was,
                state=state,
                times=self.resolved + 1,
                open_seconds=(at - self.opened_at) // timedelta(seconds=1),
            )
        if state == "Closed":
            return IncidentClosed(number=number, line=line, at=at, was=was, state=state, times=self.closed + 1)
        return StateChanged(number=number, line=line, at=at, was=was, state=state)

    def _remember(self, entry: Entry) -> None:
        self.entries += 1
        self.state = entry.state
        self.reassignments = entry.reassignments
        self.reopens = entry.reopens

"""Projections: an incident is folded, its promise is keyed, totals add up in any order."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from headwater import Fold, ProjectionHandler, Recorded, Views, on
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
from headwater.demo.incidents.read_models import GroupTotal, IncidentView, Month, SlaView, StateTotal, Transition

__all__ = ["PROJECTIONS", "Incidents", "Months", "Sla", "Totals"]

AnyEntry: TypeAlias = IncidentOpened | IncidentUpdated
AnyChange: TypeAlias = StateChanged | IncidentResolved | IncidentClosed


class Incidents(Fold[IncidentView], category="incident"):
    """Each incident, folded from its entries."""

    @on(IncidentOpened)
    def opened(self, row: IncidentView | None, event: Recorded[IncidentOpened]) -> IncidentView:
        return _first(event.data)

    @on(IncidentUpdated)
    def updated(self, row: IncidentView | None, event: Recorded[IncidentUpdated]) -> IncidentView | None:
        return row and _next(row, event.data)


class Sla(ProjectionHandler, writes=[SlaView], key="number"):
    """Each incident's promise: from the last entry what was promised, from the first resolution how long it took."""

    @on(IncidentOpened)
    async def opened(self, event: Recorded[IncidentOpened], views: Views) -> None:
        e = event.data
        await views.insert(SlaView(number=e.number, priority=e.priority, made_sla=e.made_sla, opened_at=e.opened_at))

    @on(IncidentUpdated)
    async def updated(self, event: Recorded[IncidentUpdated], views: Views) -> None:
        await views.update(SlaView, event.data.number, priority=event.data.priority, made_sla=event.data.made_sla)

    @on(IncidentResolved)
    async def resolved(self, event: Recorded[IncidentResolved], views: Views) -> None:
        if event.data.times == 1:
            await views.update(SlaView, event.data.number, resolved_after=event.data.open_seconds)


class Months(ProjectionHandler, writes=[Month], commutative=True):
    """What each month saw."""

    @on(IncidentOpened)
    async def opened(self, event: Recorded[IncidentOpened], views: Views) -> None:
        await views.add(Month, event.data.month, opened=1)
        await _count(event.data, views)

    @on(IncidentUpdated)
    async def updated(self, event: Recorded[IncidentUpdated], views: Views) -> None:
        await _count(event.data, views)

    @on(IncidentClosed)
    async def closed(self, event: Recorded[IncidentClosed], views: Views) -> None:
        if event.data.times == 1:
            await views.add(Month, event.data.month, closed=1)

    @on(IncidentReassigned)
    async def reassigned(self, event: Recorded[IncidentReassigned], views: Views) -> None:
        await views.add(Month, event.data.month, reassigned=1)

    @on(IncidentReopened)
    async def reopened(self, event: Recorded[IncidentReopened], views: Views) -> None:
        await views.add(Month, event.data.month, reopened=1)


class Totals(ProjectionHandler, writes=[StateTotal, Transition, GroupTotal], commutative=True):
    """Counts by state, by change of state, by group."""

    async def handle(self, event: Recorded[AnyEntry | AnyChange], views: Views) -> None:
        match event.data:
            case Entry(state=state, group=group):
                await views.add(StateTotal, state, entries=1)
                await views.add(GroupTotal, group or "?", entries=1)
            case StateChanged(was=str(was), state=state):
                await views.add(Transition, f"{was} -> {state}", times=1)
            case _:
                """Opened in a state that it did not change to."""


PROJECTIONS = (Incidents, Sla, Months, Totals)


def _first(entry: IncidentOpened) -> IncidentView:
    return IncidentView(
        number=entry.number,
        entries=1,
        first_state=entry.state,
        state=entry.state,
        group=entry.group,
        assigned_to=entry.assigned_to,
        reassignments=entry.reassignments,
        reopens=entry.reopens,
        modifications=entry.modifications,
        most_modifications=entry.modifications,
        updated_at=entry.at,
    )


def _next(row: IncidentView, entry: IncidentUpdated) -> IncidentView:
    return msgspec.structs.replace(
        row,
        entries=row.entries + 1,
        state=entry.state,
        group=entry.group,
        assigned_to=entry.assigned_to,
        reassignments=entry.reassignments,
        reopens=entry.reopens,
        modifications=entry.modifications,
        most_modifications=max(row.most_modifications, entry.modifications),
        updated_at=entry.at,
        count_stood=row.count_stood or entry.modifications <= row.modifications,
        clock_went_back=row.clock_went_back or entry.at < row.updated_at,
    )


async def _count(entry: Entry, views: Views) -> None:
    await views.add(Month, entry.month, entries=1)
    await views.min(Month, entry.month, first_at=entry.at)
    await views.max(Month, entry.month, last_at=entry.at)

"""Handlers: load the incident, take in the entry, save."""

from __future__ import annotations

from typing import TypeVar

from headwater import Repository, handles
from headwater.demo.incidents.commands import EntryCommand, OpenIncident, UpdateIncident
from headwater.demo.incidents.events import Entry, IncidentOpened, IncidentUpdated
from headwater.demo.incidents.incident import Incident

__all__ = ["HANDLERS", "open_incident", "update_incident"]

E = TypeVar("E", bound=Entry)


@handles(OpenIncident)
async def open_incident(command: OpenIncident, incidents: Repository[Incident]) -> int:
    incident = await _incident(command, incidents)
    incident.open(_entry(IncidentOpened, command))
    await incidents.save(incident)
    return incident.entries


@handles(UpdateIncident)
async def update_incident(command: UpdateIncident, incidents: Repository[Incident]) -> int:
    incident = await _incident(command, incidents)
    incident.update(_entry(IncidentUpdated, command))
    await incidents.save(incident)
    return incident.entries


HANDLERS = (open_incident, update_incident)


async def _incident(command: EntryCommand, incidents: Repository[Incident]) -> Incident:
    return await incidents.get_by_id(command.number) or Incident(command.number)


def _entry(kind: type[E], command: EntryCommand) -> E:
    return kind(
        number=command.number,
        line=command.line,
        at=command.updated_at,
        version=command.version,
        state=command.state,
        priority=command.priority,
        group=command.group,
        assigned_to=command.assigned_to,
        made_sla=command.made_sla,
        reassignments=command.reassignments,
        reopens=command.reopens,
        modifications=command.modifications,
        opened_at=command.opened_at,
    )

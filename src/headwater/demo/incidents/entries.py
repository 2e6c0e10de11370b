"""Entries: rows of text, as the data set has them, turned into commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from headwater.demo.incidents.commands import EntryCommand, OpenIncident, UpdateIncident
from headwater.errors import InvalidInput

__all__ = ["COLUMNS", "commands_of"]

COLUMNS: Final = (
    "position",
    "version",
    "number",
    "incident_state",
    "reassignment_count",
    "reopen_count",
    "sys_mod_count",
    "made_sla",
    "opened_at",
    "sys_updated_at",
    "priority",
    "assignment_group",
    "assigned_to",
)
_BOOLEANS: Final = {"true": True, "false": False}


def commands_of(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[EntryCommand]:
    """One command for each row, in order. Raises InvalidInput for a missing column or a row that cannot be read."""
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise InvalidInput(f"the data has no column {', '.join(missing)}: its first row must name {', '.join(COLUMNS)}")
    places = [(name, header.index(name)) for name in COLUMNS]
    for number, row in enumerate(rows, 1):
        try:
            yield _command({name: row[place] for name, place in places})
        except (ValueError, KeyError, IndexError) as error:
            raise InvalidInput(f"row {number} cannot be read ({error!r}): {ascii(list(row))[:120]}") from error


def _command(row: dict[str, str]) -> EntryCommand:
    version = int(row["version"])
    return (OpenIncident if version == 1 else UpdateIncident)(
        line=int(row["position"]),
        number=row["number"],
        version=version,
        state=row["incident_state"],
        priority=row["priority"],
        group=row["assignment_group"] or None,
        assigned_to=row["assigned_to"] or None,
        made_sla=_BOOLEANS[row["made_sla"]],
        reassignments=int(row["reassignment_count"]),
        reopens=int(row["reopen_count"]),
        modifications=int(row["sys_mod_count"]),
        opened_at=datetime.fromisoformat(row["opened_at"]),
        updated_at=datetime.fromisoformat(row["sys_updated_at"]),
    )

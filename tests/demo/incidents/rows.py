"""Generated rows, and single entries, as the tests want them."""

from __future__ import annotations

import csv
import json
from itertools import islice
from pathlib import Path

from headwater.demo.incidents.commands import EntryCommand
from headwater.demo.incidents.entries import COLUMNS, commands_of
from headwater.demo.incidents.generator import generated_rows
from tests.demo.incidents.truth_by_hand import truth_of

ROW = {
    "position": "1",
    "version": "1",
    "number": "INC0000045",
    "incident_state": "New",
    "reassignment_count": "0",
    "reopen_count": "0",
    "sys_mod_count": "0",
    "made_sla": "true",
    "opened_at": "2016-02-29T01:16:00Z",
    "sys_updated_at": "2016-02-29T01:23:00Z",
    "priority": "3 - Moderate",
    "assignment_group": "Group 56",
    "assigned_to": "",
}


def generated(lines: int) -> list[dict[str, str]]:
    """The first so many generated rows, by column."""
    return [dict(zip(COLUMNS, row, strict=True)) for row in islice(generated_rows(), lines)]


def entry(version: int | str = 1, **fields: str) -> EntryCommand:
    """The entry of a new incident, but for the columns given."""
    row = ROW | {"position": str(version)} | fields | {"version": str(version)}
    (command,) = commands_of(COLUMNS, [[row[column] for column in COLUMNS]])
    return command


def write(folder: Path, rows: list[dict[str, str]]) -> Path:
    """A file of these rows, with their truth beside it."""
    path = folder / "events.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    truth = truth_of(rows)
    notes = truth.pop("at")
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "truth_at.json").write_text(json.dumps(notes))
    return path

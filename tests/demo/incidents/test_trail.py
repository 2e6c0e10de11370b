"""The order in which incidents come does not matter to the trail; the order within one does."""

from __future__ import annotations

from random import Random
from typing import cast

from headwater.demo.incidents.commands import EntryCommand
from headwater.demo.incidents.events import IncidentUpdated
from headwater.demo.incidents.trail import Trail
from tests.demo.incidents.rows import entry, generated
from tests.demo.incidents.truth_by_hand import truth_of

LINES = 400
MOMENTS = [LINES * quarter // 4 for quarter in (1, 2, 3, 4)]


def as_event(command: EntryCommand) -> IncidentUpdated:
    return IncidentUpdated(
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


def figures_of(rows: list[dict[str, str]]) -> dict[str, object]:
    trail = Trail(MOMENTS)
    for row in rows:
        trail.see(as_event(entry(**row)))
    return trail.figures()


def test_incidents_may_come_in_any_order() -> None:
    rows = generated(LINES)
    numbers = sorted({row["number"] for row in rows})
    Random(1).shuffle(numbers)
    truth = truth_of(rows)
    expected = {key: truth[key] for key in ("sha256_of_rows_in_source_order", "at")}
    assert figures_of(rows) == expected
    assert figures_of([row for number in numbers for row in rows if row["number"] == number]) == expected


def test_the_entries_of_an_incident_may_not() -> None:
    rows = generated(LINES)
    assert figures_of(rows[::-1]) != figures_of(rows)


def test_what_comes_after_the_last_moment_is_in_no_note() -> None:
    trail = Trail([1])
    for version in (1, 2):
        trail.see(as_event(entry(version)))
    (note,) = cast("list[dict[str, object]]", trail.figures()["at"])
    assert note["longest"] == [["INC0000045", 1]]

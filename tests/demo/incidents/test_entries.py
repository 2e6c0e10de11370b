"""Rows of text into commands, and the rows that are generated."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from headwater.demo.incidents.commands import OpenIncident, UpdateIncident
from headwater.demo.incidents.entries import COLUMNS, commands_of
from headwater.errors import InvalidInput
from tests.demo.incidents.rows import ROW, entry, generated
from tests.demo.incidents.truth_by_hand import truth_of

TEXTS = [ROW[column] for column in COLUMNS]


def test_the_first_entry_opens_and_the_others_update() -> None:
    assert type(entry(1)) is OpenIncident
    assert type(entry(2)) is UpdateIncident


def test_a_command_carries_what_the_row_says() -> None:
    command = entry(assignment_group="", assigned_to="Resolver 89", made_sla="false", incident_state="-100")
    assert (command.group, command.assigned_to, command.made_sla, command.state) == (None, "Resolver 89", False, "-100")
    assert command.updated_at == datetime(2016, 2, 29, 1, 23, tzinfo=UTC)
    assert command.lane == "INC0000045"


def test_columns_may_come_in_any_order_among_others() -> None:
    (command,) = commands_of(["more", *COLUMNS[::-1]], [["", *TEXTS[::-1]]])
    assert command == entry(1)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InvalidInput, match="no column assigned_to"):
        list(commands_of(COLUMNS[:-1], [TEXTS]))


@pytest.mark.parametrize(
    "row",
    [
        [],
        TEXTS[:5],
        [*TEXTS[:1], "one", *TEXTS[2:]],
        [*TEXTS[:7], "perhaps", *TEXTS[8:]],
        [*TEXTS[:8], "soon", *TEXTS[9:]],
    ],
)
def test_a_row_that_cannot_be_read_is_named(row: list[str]) -> None:
    with pytest.raises(InvalidInput, match="row 2"):
        list(commands_of(COLUMNS, [TEXTS, row]))


def test_generated_rows_are_a_prefix_of_more_of_them() -> None:
    assert generated(500) == generated(2_000)[:500]
    assert [row["position"] for row in generated(3)] == ["1", "2", "3"]


def test_generated_rows_are_as_dirty_as_real_ones() -> None:
    rows = generated(5_000)
    truth = truth_of(rows)
    assert truth["streams_not_strictly_increasing_sys_mod_count"] != []
    assert truth["streams_going_back_in_time"] != []
    assert truth["rows_where_reopen_count_rises"] != 0
    states = {row["incident_state"] for row in rows}
    assert states >= {"New", "Active", "Awaiting User Info", "Awaiting Vendor", "Resolved", "Closed", "-100"}
    assert {row["made_sla"] for row in rows} == {"true", "false"}
    assert any(row["version"] == "1" and row["incident_state"] == "Resolved" for row in rows)

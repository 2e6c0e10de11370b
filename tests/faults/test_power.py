"""The harness of power cuts sees what the engine does to its disk, and its control loses what it must lose."""

from __future__ import annotations

import pytest

from tests.faults.power import Session, cut_power, cut_power_of_normal
from tests.faults.report import Row, failures

SESSION = [Session("test", 60, 40)]

pytestmark = pytest.mark.slow


def test_nothing_acknowledged_is_lost_with_full() -> None:
    row = cut_power(SESSION)
    assert failures([row]) == []
    assert row.faults == 40
    assert row.operations > 30


def test_normal_loses_what_was_acknowledged() -> None:
    assert cut_power_of_normal(SESSION).other > 0


def test_a_broken_promise_and_a_control_that_loses_nothing_are_failures() -> None:
    kept = Row(promise="kept", operations=1, faults=1)
    broken = [Row(promise=f"broken {kind}", operations=1, faults=1, **{kind: 1}) for kind in KINDS]
    idle = Row(promise="control: idle", operations=1, faults=1)
    lossy = Row(promise="control: lossy", operations=1, faults=1, other=1)
    assert failures([kept, *broken, idle, lossy]) == [row.promise for row in (*broken, idle)]


KINDS = ("lost", "duplicated", "reordered", "other")

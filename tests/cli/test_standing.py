"""Where projections stand, and what keeps them from going on."""

from __future__ import annotations

import pytest

from headwater.errors import ConsistencyTimeout
from tests.cli.application import board, patient
from tests.cli.conftest import Line


def test_without_its_code_a_projection_stands_where_it_is(line: Line) -> None:
    shown = line("projections", "status", app=None)
    assert shown.exit_code == 0, shown.stderr
    (one,) = line.rows("projections", "status")
    assert (one["projection"], one["state"], one["condition"], one["generation"]) == ("notices", "serving", "idle", 0)
    assert (one["offset"], one["head"], one["lag"], one["lag_seconds"]) == (3, 3, 0, 0.0)
    assert (one["parked"], one["owner"], one["trouble"], one["pause"]) == (0, None, None, None)
    assert len(shown.stdout.splitlines()) == 2


def test_one_that_lags_has_a_line_in_the_status_of_the_store(line: Line) -> None:
    line.announce_only("c", "late")
    (one,) = line.rows("projections", "status")
    assert one["lag"] == 1
    assert one["lag_seconds"] > 0
    for verb in (("status",), ("projections", "status")):
        (said,) = [text for text in line(*verb, app=None).stdout.splitlines() if "behind" in text]
        assert said.startswith("notices is 1 events behind, for ")
        assert said.endswith(" s, and nobody runs it")


def test_a_pause_is_seen_with_who_and_why_and_is_over_after_resume(line: Line) -> None:
    asked = line.json("projections", "pause", "notice", "--reason", "moving house", "--by", "the night shift")
    assert asked == {"projection": "notices", "paused": True, "reason": "moving house"}
    (one,) = line.rows("projections", "status")
    assert (one["condition"], one["pause"]["by"], one["pause"]["reason"]) == (
        "paused",
        "the night shift",
        "moving house",
    )
    assert one["pause"]["since"].startswith("20")
    said = line("status", app=None).stdout
    assert "notices is paused since 20" in said
    assert "by the night shift: moving house" in said
    assert "goes on" in line("projections", "resume", "notices").stdout
    assert line.json("projections", "resume", "notices") == {
        "projection": "notices",
        "paused": False,
        "was_paused": False,
    }
    assert "was not paused" in line("projections", "resume", "notices").stdout
    assert "paused" not in line("status").stdout


def test_a_paused_projection_stands_still_in_the_next_process(line: Line) -> None:
    assert "headwater projections resume notices" in line("projections", "pause", "notices").stdout
    line.announce_only("c", "late")
    with pytest.raises(ConsistencyTimeout):
        line.project(lambda: board(line.url), timeout=0.2)
    with line.start("run") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "running notices\n"
        line("projections", "resume", "notices")
        line.until(lambda one: one["lag"] == 0)
        running.terminate()
        running.communicate()


def test_trouble_says_what_where_since_when_by_whom_and_when_next(line: Line) -> None:
    with pytest.raises(ConsistencyTimeout):
        line.announce(("c", "exit"))
    (one,) = line.rows("projections", "status")
    trouble = one["trouble"]
    assert (one["condition"], trouble["kind"], trouble["offset"], trouble["failures"]) == ("failing", "handler", 3, 1)
    assert trouble["error"].startswith("HandlerExited")
    assert trouble["since"].startswith("20")
    assert len(trouble["owner"].split(":")) == 3
    assert trouble["retry_at"] is None
    (said,) = [text for text in line("status", app=None).stdout.splitlines() if " fails " in text]
    assert said.startswith("notices fails in partition 0 at offset 3 (handler): HandlerExited")
    assert trouble["owner"] in said
    assert said.endswith("not tried again by itself")


def test_parked_events_have_a_line_that_names_where_to_look(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_URL", line.url)
    line.announce_only("c", "bad news")
    line.project(patient)
    assert "notices has 1 events parked: see `headwater dlq ls --projection notices`" in line("status").stdout


def test_one_of_another_version_than_the_application_declares_is_outdated(line: Line) -> None:
    second = "tests.cli.application:second"
    (one,) = line.rows("projections", "status")
    assert (one["version"], one["condition"]) == (1, "idle")
    shown = line("projections", "status", app=second)
    assert "outdated" in shown.stdout
    assert "notices is of version 1, and the application declares another" in shown.stdout
    assert '"version": 2' in line("projections", "ls", "--json", app=second).stdout


def test_one_that_never_ran_is_shown_where_it_is_declared(line: Line) -> None:
    shown = line("projections", "status", app="tests.cli.application:tallied").stdout
    assert [row.split()[0] for row in shown.splitlines()[1:3]] == ["notices", "tallies"]
    assert "tallies is 3 events behind" in shown

"""Rebuilding beside, the way back, and starting over in place."""

from __future__ import annotations

import pytest

from headwater.cli.exits import ExitCode
from tests.cli.application import board, tallied
from tests.cli.conftest import Line

SECOND = "tests.cli.application:second"
TALLIED = "tests.cli.application:tallied"


def states(line: Line) -> list[tuple[int, str]]:
    return [(one["generation"], one["state"]) for one in line.rows("projections", "status")]


def test_a_rebuild_is_served_in_the_place_of_what_was(line: Line) -> None:
    done = line.json("projections", "rebuild", "notice")
    assert isinstance(done, dict)
    assert done.pop("seconds") >= 0
    assert done == {"projection": "notices", "events": 3, "generation": 1, "previous": 0}
    assert states(line) == [(0, "previous"), (1, "serving")]
    shown = line("projections", "rebuild", "notices", "--yes").stdout
    assert "3 events" in shown
    assert "generation 2 is served; `headwater projections switch-back notices` goes back to 1" in shown
    assert len(line.texts()) == 2


def test_the_command_that_a_refused_class_names_works(line: Line) -> None:
    changed = "tests.cli.application:changed"
    refused = line("dlq", "retry", "notices", app=changed)
    assert "`headwater projections rebuild notice`" in refused.stderr.replace("\n", " ")
    done = line("projections", "rebuild", "notice", app=changed)
    assert done.exit_code == 0, done.stderr
    assert "3 events" in done.stdout


def test_it_asks_only_where_a_generation_would_be_forgotten(line: Line) -> None:
    looked = line("projections", "rebuild", "notices", "--dry-run").stdout
    assert looked == "would fill notice of projection 'notices' beside what is served, and serve that in its place\n"
    assert line("projections", "rebuild", "notices").exit_code == 0
    refused = line("projections", "rebuild", "notices")
    assert refused.exit_code == ExitCode.USAGE
    assert "forget generation 0" in refused.stderr
    assert "--yes" in refused.stderr
    assert states(line) == [(0, "previous"), (1, "serving")]


def test_events_handled_once_more_in_place_are_asked_for(line: Line) -> None:
    refused = line("projections", "rebuild", "notices", "--from-event", "2")
    assert refused.exit_code == ExitCode.USAGE
    assert "events from 2 on once more" in refused.stderr
    done = line("projections", "rebuild", "notices", "--from-event", "2", "--yes", "--json")
    assert '"events": 1' in done.stdout
    assert states(line) == [(0, "serving")]


def test_watched_without_a_terminal_it_says_the_same(line: Line) -> None:
    assert "3 events" in line("projections", "rebuild", "notices", "--watch").stdout


def test_the_way_back_and_forth(line: Line) -> None:
    assert line("projections", "switch-back", "notices").exit_code == ExitCode.REFUSED
    line("projections", "rebuild", "notices", app=SECOND)
    assert line.texts()["board-a"] == "TWO"
    assert line.json("projections", "switch-back", "notices") == {
        "projection": "notices",
        "generation": 0,
        "version": 1,
    }
    assert line.texts()["board-a"] == "two"
    assert "generation 1, of version 2, is served again" in line("projections", "switch-back", "notices").stdout
    assert line.texts()["board-a"] == "TWO"


def test_the_way_back_that_a_refused_start_names_works(line: Line) -> None:
    line("projections", "rebuild", "notices", app=SECOND)
    with line.start("run") as running:
        _, complaint = running.communicate()
    assert running.returncode == ExitCode.REFUSED
    assert "headwater projections switch-back notices" in complaint
    assert line("projections", "switch-back", "notices").exit_code == 0
    line.project(lambda: board(line.url))
    assert states(line) == [(0, "serving"), (1, "previous")]


def test_the_earlier_one_is_forgotten_when_told_so(line: Line) -> None:
    line("projections", "rebuild", "notices")
    assert line("projections", "drop-previous", "notices").exit_code == ExitCode.USAGE
    assert line("projections", "drop-previous", "notices", "--dry-run").stdout.startswith("would forget")
    assert states(line) == [(0, "previous"), (1, "serving")]
    assert "is forgotten" in line("projections", "drop-previous", "notices", "--yes").stdout
    assert states(line) == [(1, "serving")]
    assert line.json("projections", "drop-previous", "notices", "--yes") == {"projection": "notices", "dropped": False}
    assert "none" not in line("projections", "drop-previous", "notices", "--yes").stdout


def test_cancelling_where_nothing_is_built_says_so(line: Line) -> None:
    assert line("projections", "cancel", "notices").exit_code == ExitCode.USAGE
    assert line("projections", "cancel", "notices", "--dry-run").stdout.startswith("would drop what is being built")
    assert "nothing is being built" in line("projections", "cancel", "notices", "--yes").stdout
    assert line.json("projections", "cancel", "notices", "--yes") == {"projection": "notices", "cancelled": False}


def test_what_is_reset_starts_over_in_place(line: Line) -> None:
    refused = line("projections", "reset", "notices")
    assert refused.exit_code == ExitCode.USAGE
    assert "empty the rows in notice" in refused.stderr
    line("projections", "reset", "notices", "--dry-run")
    assert len(line.texts()) == 2
    assert "starts over" in line("projections", "reset", "notices", "--yes").stdout
    assert line.texts() == {}
    (one,) = line.rows("projections", "status")
    assert (one["offset"], one["lag"]) == (0, 3)
    line.project(lambda: board(line.url))
    assert len(line.texts()) == 2


def test_a_stream_is_reset_where_its_rows_are_its_own(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_URL", line.url)
    line.project(tallied)
    done = line("projections", "reset", "tallies", "--stream", "board-a", "--yes", app=TALLIED)
    assert done.exit_code == 0, done.stderr
    assert "stream board-a was projected anew" in done.stdout
    refused = line("projections", "reset", "notices", "--stream", "board-a", "--yes")
    assert refused.exit_code == ExitCode.REFUSED
    both = line("projections", "reset", "notices", "--stream", "board-a", "--partition", "0", "--yes")
    assert both.exit_code == ExitCode.USAGE
    assert line("projections", "reset", "notices", "--partition", "1", "--yes").exit_code == ExitCode.USAGE
    reset = line.json("projections", "reset", "notices", "--partition", "0", "--yes")
    assert reset == {"projection": "notices", "partition": 0, "stream": None, "reset": True}


def test_what_is_done_is_in_the_journal(line: Line) -> None:
    line("projections", "pause", "notices", "--reason", "lunch", "--by", "ann")
    line("projections", "resume", "notices", "--by", "ben")
    line("projections", "rebuild", "notices")
    line("projections", "switch-back", "notices", "--by", "ann")
    entries = line.rows("journal")
    assert [entry["action"].partition(".")[2] for entry in entries] == ["switch_back", "rebuild", "resume", "pause"]
    assert [entry["by"] for entry in entries][::2] == ["ann", "ben"]
    assert "@" in entries[1]["by"]
    assert entries[3]["details"] == "lunch"
    assert len(line.rows("journal", "--limit", "1")) == 1
    assert len(line.rows("journal", "--action", "projection.*")) == 4
    assert len(line.rows("journal", "--action", "projection.pause")) == 1
    assert line.rows("journal", "--action", "parked.*") == []
    assert line.rows("journal", "--subject", "others") == []
    shown = line("journal", app=None).stdout.splitlines()
    assert shown[0].split() == ["at", "by", "action", "subject", "outcome", "details"]
    assert len(shown) == 5

"""`headwater dlq`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from headwater.cli.exits import ExitCode
from tests.cli.application import patient
from tests.cli.conftest import Line


@pytest.fixture
def parked(line: Line) -> Line:
    """Offset 3 is parked, and 4 waits behind it."""
    line.announce(("c", "bad news"), ("c", "good news"))
    return line


def show(line: Line, offset: int) -> dict[str, Any]:
    return cast("dict[str, Any]", line.json("dlq", "show", "notices", str(offset)))


def test_parked_events_are_listed_and_shown(parked: Line) -> None:
    listed = parked.rows("dlq", "ls")
    assert [(row["offset"], row["key"]) for row in listed] == [(3, "board-c"), (4, "board-c")]
    assert listed[0]["error"] == "ValueError: cannot take bad news"
    assert listed[1]["error"] is None
    assert parked.json("dlq", "ls", "--projection", "other") == []
    assert parked.json("dlq", "ls", "--key", "other") == []
    shown = show(parked, 3)
    assert (shown["data"], shown["edited"], shown["waits_for"]) == ('{"text":"bad news"}', False, None)
    assert "Traceback" in shown["trace"]
    assert show(parked, 4)["waits_for"] == 3
    assert "cannot take bad news" in parked("dlq", "show", "notices", "3").stdout


def test_they_are_listed_page_by_page(parked: Line) -> None:
    first = parked("dlq", "ls", "--limit", "1", app=None).stdout.splitlines()
    assert first[-1] == "there may be more: --after notices:0:0:3"
    (second,) = parked.rows("dlq", "ls", "--after", "notices:0:0:3")
    assert (second["offset"], second["place"]) == (4, "notices:0:0:4")
    assert "more" not in parked("dlq", "ls", "--after", "notices:0:0:3").stdout
    assert parked("dlq", "ls", "--after", "notices:3").exit_code == ExitCode.USAGE


def test_what_is_parked_beside_is_no_part_of_it(parked: Line) -> None:
    parked("projections", "rebuild", "notices")
    assert [row["place"] for row in parked.rows("dlq", "ls")] == ["notices:1:0:3", "notices:1:0:4"]


def test_the_next_automatic_retry_is_shown(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_URL", line.url)
    line.announce_only("c", "bad news")
    line.project(patient)
    (row,) = line.rows("dlq", "ls")
    assert row["retry_at"] > row["parked_at"]
    assert show(line, 3)["retry_at"] == row["retry_at"]
    assert row["retry_at"] in line("dlq", "ls").stdout


def test_a_retry_that_fails_again_says_so(parked: Line) -> None:
    assert parked.json("dlq", "retry", "notices", code=ExitCode.WRONG) == {"handled": 0, "parked": 2, "pending": 0}


def test_a_retry_that_works_empties_the_queue(parked: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOD_NOW", "1")
    assert parked.json("dlq", "retry", "notices", "--offset", "4") == {"handled": 2, "parked": 0, "pending": 0}
    assert parked.json("dlq", "ls") == []


def test_a_discarded_event_is_gone_and_the_next_goes_on(parked: Line) -> None:
    assert parked("dlq", "discard", "notices", "3").exit_code == ExitCode.USAGE
    assert parked("dlq", "discard", "notices", "3", "--dry-run").stdout.startswith("would discard Announced at 0:3")
    assert len(parked.rows("dlq", "ls")) == 2
    gone = cast("dict[str, Any]", parked.json("dlq", "discard", "notice", "3", "--yes", "--by", "ann"))
    assert gone["place"] == "notices:0:0:3"
    assert parked.json("dlq", "ls") == []
    (entry,) = parked.rows("journal", "--action", "parked.discard")
    assert (entry["by"], entry["subject"]) == ("ann", "notices, 0:3")


def test_the_doctor_tells_of_what_is_parked(parked: Line) -> None:
    findings = cast("list[dict[str, object]]", parked.json("doctor"))
    assert "headwater dlq ls --projection notices" in str([f["what"] for f in findings if f["where"] == "notices"])


def test_an_edited_event_is_handled_as_it_was_edited(parked: Line) -> None:
    edited = parked("dlq", "edit", "notices", "3", "--data", '{"text": "fine news"}', "--by", "ann")
    assert "headwater dlq retry notices --offset 3" in edited.stdout
    assert "a rebuild, a reset or a new version takes the data of the log again" in edited.stdout
    assert (show(parked, 3)["edited"], show(parked, 3)["data"]) == (True, '{"text":"fine news"}')
    again = parked("dlq", "edit", "notices", "3", "--data", '{"text": "fine news"}')
    assert "nothing is changed" in again.stdout
    assert [entry["by"] for entry in parked.rows("journal", "--action", "parked.*")] == ["ann"]
    assert parked("dlq", "retry", "notices").exit_code == 0
    assert parked.texts()["board-c"] == "good news"
    kept = parked.rows("streams", "show", "board-c")
    assert kept[0]["data"] == {"text": "bad news"}


def test_the_data_is_read_from_standard_input(parked: Line) -> None:
    edited = parked("dlq", "edit", "notices", "3", "--json", keys='{"text": "fine"}')
    assert edited.exit_code == 0, edited.stderr
    assert show(parked, 3)["data"] == '{"text":"fine"}'


@pytest.mark.parametrize("data", ["", "[]", "{", '{"text": 3}', '{"other": "x"}'])
def test_data_that_is_no_such_event_is_refused(parked: Line, data: str) -> None:
    refused = parked("dlq", "edit", "notices", "3", keys=data)
    assert refused.exit_code == ExitCode.USAGE
    assert show(parked, 3)["edited"] is False


def edit_on_terminal(line: Line, editor: str) -> tuple[int, str, str]:
    ours, theirs = os.openpty()
    try:
        with line.start("dlq", "edit", "notices", "3", stdin=theirs, EDITOR=editor) as edit:
            said, complaint = edit.communicate()
    finally:
        os.close(ours)
        os.close(theirs)
    return edit.returncode, said, complaint


def test_on_a_terminal_an_editor_is_opened(parked: Line, tmp_path: Path) -> None:
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys; path = sys.argv[1]; text = open(path).read(); open(path, 'w').write(text.replace('bad', 'fine'))"
    )
    code, said, complaint = edit_on_terminal(parked, f"{sys.executable} {script}")
    assert code == 0, complaint
    assert said.startswith("edited")
    assert show(parked, 3)["data"] == '{"text":"fine news"}'


@pytest.mark.parametrize("editor", ["no-such-editor", f"{sys.executable} -c exit(3)", "'"])
def test_an_editor_that_fails_changes_nothing(parked: Line, editor: str) -> None:
    code, _, complaint = edit_on_terminal(parked, editor)
    assert code == ExitCode.USAGE
    assert complaint.startswith("headwater: the editor")
    assert len(complaint.splitlines()) == 1
    assert show(parked, 3)["edited"] is False

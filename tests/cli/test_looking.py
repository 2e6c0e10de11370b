"""Verbs that only look."""

from __future__ import annotations

import json
from typing import cast

import pytest

from tests.cli.conftest import ESCAPES, Line


def test_status_tells_the_store_and_its_projections(line: Line) -> None:
    status = cast("dict[str, object]", line.json("status"))
    assert (status["engine"], status["events"], status["streams"]) == ("sqlite", 3, 2)
    (one,) = cast("list[dict[str, object]]", status["projections"])
    assert (one["projection"], one["offset"], one["lag"], one["owner"]) == ("notices", 3, 0, None)
    shown = line("status").stdout
    assert "sqlite" in shown
    assert "notices" in shown
    assert shown.splitlines()[0].split() == ["engine", "sqlite"]
    assert [text for text in shown.splitlines() if text != text.rstrip()] == []


def test_streams_are_listed_by_name(line: Line) -> None:
    listed = cast("list[dict[str, object]]", line.json("streams", "ls"))
    assert [(row["stream"], row["version"]) for row in listed] == [("board-a", 2), ("board-b", 1)]
    assert line.json("streams", "ls", "--category", "other") == []
    after = cast("list[dict[str, object]]", line.json("streams", "ls", "--after", "board-a"))
    assert [row["stream"] for row in after] == ["board-b"]
    assert len(cast("list[object]", line.json("streams", "ls", "--limit", "1"))) == 1
    assert "board-a" in line("streams", "ls").stdout


def test_a_stream_is_shown_with_data_and_context(line: Line) -> None:
    events = cast("list[dict[str, object]]", line.json("streams", "show", "board-a"))
    assert [(e["version"], e["type"], e["data"]) for e in events] == [
        (1, "Announced", {"text": "one"}),
        (2, "Announced", {"text": "two"}),
    ]
    assert "command_id" in cast("dict[str, str]", events[0]["context"])
    assert len(cast("list[object]", line.json("streams", "show", "board-a", "--after", "1"))) == 1
    assert len(cast("list[object]", line.json("streams", "show", "board-a", "--limit", "1"))) == 1
    assert line.json("streams", "show", "board-a", "--after", "2") == []


def test_the_tail_is_one_object_on_each_line(line: Line) -> None:
    result = line("streams", "tail", "-n", "2", "--json")
    events = [json.loads(text) for text in result.stdout.splitlines()]
    assert [(e["stream"], e["version"]) for e in events] == [("board-a", 2), ("board-b", 1)]
    assert line("streams", "tail", "-n", "0").stdout == ""
    assert line("streams", "tail", "--type", "Other").stdout == ""
    assert len(line("streams", "tail", "--category", "board", "--type", "Announced").stdout.splitlines()) == 3


def test_projections_are_listed_and_stand_somewhere(line: Line) -> None:
    assert line.json("projections", "ls") == [
        {"projection": "notices", "version": 1, "writes": ["notice"], "events": ["Announced"]}
    ]
    assert "Announced" in line("projections", "ls").stdout
    (one,) = cast("list[dict[str, object]]", line.json("projections", "status"))
    assert (one["projection"], one["head"], one["parked"]) == ("notices", 3, 0)


def test_a_sound_store_is_verified(line: Line) -> None:
    assert line.json("verify") == {"events": 3, "findings": []}
    assert "3 events checked, 0 findings" in line("verify").stdout


def test_the_doctor_finds_nothing_wrong(line: Line) -> None:
    findings = cast("list[dict[str, object]]", line.json("doctor"))
    assert [finding for finding in findings if finding["severity"] == "error"] == []
    assert line("doctor").exit_code == 0


@pytest.mark.parametrize("verb", [("streams", "show", "board-b"), ("streams", "tail")])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_escape_reaches_the_terminal(line: Line, verb: tuple[str, ...], form: tuple[str, ...]) -> None:
    shown = line(*verb, *form).stdout
    assert "red" in shown
    assert not set(ESCAPES) & set("\x1b\u202e") & set(shown)


def test_without_an_application_the_store_alone_is_enough(line: Line) -> None:
    assert line("status", app=None).exit_code == 0
    assert line("streams", "ls", app=None).exit_code == 0
    refused = line("projections", "ls", app=None)
    assert refused.exit_code == 2
    assert "--app" in refused.stderr

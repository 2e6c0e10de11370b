"""Verbs that change something."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from headwater.cli.exits import ExitCode
from tests.cli.conftest import APP, Line


def test_a_rebuild_fills_the_table_again(line: Line) -> None:
    done = cast("dict[str, object]", line.json("projections", "rebuild", "notice", "--yes"))
    assert (done["projection"], done["events"]) == ("notices", 3)
    assert "3 events" in line("projections", "rebuild", "notices", "--yes").stdout


def test_the_command_that_a_refused_class_names_works(line: Line) -> None:
    changed = "tests.cli.application:changed"
    refused = line("dlq", "retry", "notices", app=changed)
    assert "`headwater projections rebuild notice`" in refused.stderr.replace("\n", " ")
    done = line("projections", "rebuild", "notice", "--yes", app=changed)
    assert done.exit_code == 0, done.stderr
    assert "3 events" in done.stdout


@pytest.mark.parametrize("verb", [("projections", "rebuild", "notices")])
def test_what_destroys_asks_first(line: Line, verb: tuple[str, ...]) -> None:
    refused = line(*verb)
    assert refused.exit_code == ExitCode.USAGE
    assert "--yes" in refused.stderr
    looked = line(*verb, "--dry-run")
    assert looked.exit_code == 0
    assert looked.stdout.startswith("would empty notice")


@pytest.fixture
def parked(line: Line) -> Line:
    """Offset 3 is parked, and 4 waits behind it."""
    line.announce(("c", "bad news"), ("c", "good news"))
    return line


def test_parked_events_are_listed_and_shown(parked: Line) -> None:
    listed = cast("list[dict[str, object]]", parked.json("dlq", "ls"))
    assert [(row["offset"], row["key"]) for row in listed] == [(3, "board-c"), (4, "board-c")]
    assert listed[0]["error"] == "ValueError: cannot take bad news"
    assert listed[1]["error"] is None
    assert parked.json("dlq", "ls", "--projection", "other") == []
    shown = cast("dict[str, object]", parked.json("dlq", "show", "notices", "3"))
    assert shown["data"] == '{"text":"bad news"}'
    assert "Traceback" in cast("str", shown["trace"])
    assert "cannot take bad news" in parked("dlq", "show", "notices", "3").stdout


def test_a_retry_that_fails_again_says_so(parked: Line) -> None:
    assert parked.json("dlq", "retry", "notices", code=ExitCode.WRONG) == {"handled": 0, "parked": 2, "pending": 0}


def test_a_retry_that_works_empties_the_queue(parked: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOD_NOW", "1")
    assert parked.json("dlq", "retry", "notices", "--offset", "4") == {"handled": 2, "parked": 0, "pending": 0}
    assert parked.json("dlq", "ls") == []


def test_a_discarded_event_is_gone_and_the_next_goes_on(parked: Line) -> None:
    assert parked("dlq", "discard", "notices", "3").exit_code == ExitCode.USAGE
    assert parked("dlq", "discard", "notices", "3", "--dry-run").stdout.startswith("would discard Announced at 0:3")
    assert len(cast("list[object]", parked.json("dlq", "ls"))) == 2
    assert parked("dlq", "discard", "notices", "3", "--yes").exit_code == 0
    assert parked.json("dlq", "ls") == []


def test_a_backup_is_restored(line: Line, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    made = cast("dict[str, object]", line.json("backup", str(copy)))
    assert made["size_bytes"] == copy.stat().st_size
    assert line("backup", str(copy)).exit_code == ExitCode.USAGE
    line.announce(("d", "later"))
    assert line("restore", str(copy)).exit_code == ExitCode.USAGE
    assert line("restore", str(copy), "--dry-run").stdout.startswith("would replace the store")
    assert cast("dict[str, object]", line.json("status"))["events"] == 4
    assert line("restore", str(copy), "--yes").exit_code == 0
    assert cast("dict[str, object]", line.json("status"))["events"] == 3


def test_a_restore_to_a_new_place_needs_no_yes(line: Line, tmp_path: Path) -> None:
    copy, new = tmp_path / "copy.db", f"sqlite:///{tmp_path}/new.db"
    line("backup", str(copy))
    assert line("restore", str(copy), url=new).exit_code == 0
    assert "board-a" in line("streams", "ls", url=new).stdout


def test_a_damaged_store_fails_verification(line: Line) -> None:
    content = line.path.read_bytes()
    assert content.count(b'{"text":"one"}') == 1
    line.path.write_bytes(content.replace(b'{"text":"one"}', b'{"text":"0ne"}'))
    found = cast("dict[str, list[dict[str, object]]]", line.json("verify", code=ExitCode.WRONG))
    assert found["findings"][0]["severity"] == "error"


def start(line: Line, *arguments: str, **more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "headwater.cli", *arguments]
    environment = {"HEADWATER_URL": line.url, "HEADWATER_APP": APP, "PATH": "", **more}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_run_projects_until_it_is_told_to_stop(line: Line) -> None:
    line("projections", "rebuild", "notices", "--yes")
    with start(line, "run") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "running notices\n"
        running.send_signal(signal.SIGTERM)
        _, complaint = running.communicate()
    assert running.returncode == 0, complaint
    assert "stopping, within 15 s" in complaint
    (one,) = cast("list[dict[str, object]]", line.json("projections", "status"))
    assert (one["lag"], one["owner"]) == (0, None)


def test_a_second_signal_does_not_wait_for_the_first(line: Line) -> None:
    with start(line, "run", "--drain", "600", HANG="1") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "running notices\n"
        line.announce_only("c", "late")
        assert running.stdout.readline() == "hanging\n"
        running.send_signal(signal.SIGTERM)
        assert running.stderr.readline() == "headwater: stopping, within 600 s\n"
        running.send_signal(signal.SIGTERM)
        _, complaint = running.communicate()
    assert running.returncode == ExitCode.INTERRUPTED
    assert complaint.endswith("headwater: stopped in the middle\n")
    (one,) = cast("list[dict[str, object]]", line.json("projections", "status"))
    assert one["owner"] is None


def test_a_followed_tail_shows_what_comes(line: Line) -> None:
    with start(line, "streams", "tail", "-f", "-n", "1") as tail:
        assert tail.stdout is not None
        assert "board-b" in tail.stdout.readline()
        line.announce(("z", "just now"))
        assert "just now" in tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        _, complaint = tail.communicate()
    assert tail.returncode == ExitCode.INTERRUPTED
    assert complaint == "headwater: interrupted\n"

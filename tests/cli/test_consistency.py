"""`headwater consistency`."""

from __future__ import annotations

import asyncio
import json

import pytest

from headwater.cli.exits import ExitCode
from headwater.models.changes import Insert
from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions
from tests.cli.application import Tally, tallied
from tests.cli.conftest import Line

ALL = ["stream_heads", "checkpoints", "unique_keys", "rows_notices"]


TALLIED = "tests.cli.application:tallied"


@pytest.fixture
def counted(line: Line, monkeypatch: pytest.MonkeyPatch) -> Line:
    """The store with a row for each of two streams, each made by events of its own."""
    monkeypatch.setenv("HEADWATER_URL", line.url)
    line.project(tallied)
    return line


async def write(url: str, row: Tally) -> None:
    """Behind the projection's back."""
    engine = open_engine(url, EngineOptions())
    await engine.open()
    try:
        await engine.read_model_schema.ensure([Tally])
        await engine.projections.write([Insert(row)])
    finally:
        await engine.close()


def test_a_sound_store_is_consistent_and_the_results_are_kept(line: Line) -> None:
    results = line.rows("consistency", "check")
    assert [result["name"] for result in results] == ALL
    assert {result["outcome"] for result in results} == {"ok"}
    kept = line.rows("consistency", "results")
    assert [result["name"] for result in kept] == ALL[::-1]
    assert "@" in kept[0]["by"]
    assert line("consistency", "results", app=None).exit_code == 0
    assert len(line.rows("consistency", "results", "--limit", "2")) == 2
    assert [row["name"] for row in line.rows("consistency", "results", "--name", "checkpoints")] == ["checkpoints"]


def test_checks_are_named(line: Line) -> None:
    assert [row["name"] for row in line.rows("consistency", "check", "checkpoints", "stream_heads")] == [
        "checkpoints",
        "stream_heads",
    ]
    refused = line("consistency", "check", "checkpoints", "nothing")
    assert refused.exit_code == ExitCode.USAGE
    assert "stream_heads" in refused.stderr
    assert len(line.rows("consistency", "results")) == 2


def test_the_applications_own_checks_are_run(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_URL", line.url)
    checked = "tests.cli.application:checked"
    sound = line("consistency", "check", "--json", app=checked)
    assert [row["name"] for row in json.loads(sound.stdout)] == ["calm", *ALL]
    assert sound.exit_code == 0
    line.announce(("c", "fire!"))
    found = line("consistency", "check", "calm", app=checked)
    assert found.exit_code == ExitCode.WRONG
    assert "calm: board-c" in found.stdout
    assert "late, not wrong" not in found.stdout
    assert [row["outcome"] for row in line.rows("consistency", "results", "--name", "calm")] == ["inconsistent", "ok"]
    line.announce_only("d", "for later")
    assert "calm: what it looks at was behind the log" in line("consistency", "check", "calm", app=checked).stdout


def test_a_row_that_no_event_makes_is_found(counted: Line) -> None:
    assert counted("consistency", "check", app=TALLIED).exit_code == 0
    asyncio.run(write(counted.url, Tally(id="a", notices=7)))
    found = counted("consistency", "check", app=TALLIED)
    assert found.exit_code == ExitCode.WRONG
    assert "rows_tallies: tallies: tally a: this row differs from what its events make" in found.stdout
    (kept,) = counted.rows("consistency", "results", "--name", "rows_tallies", "--limit", "1")
    assert (kept["outcome"], kept["found"], kept["repair"]) == ("inconsistent", 1, "")
    assert "rows_tallies" in [finding["where"] for finding in json.loads(counted("doctor", "--json").stdout)]
    assert kept["since"].startswith("20")
    assert counted("consistency", "check", "checkpoints", app=TALLIED).exit_code == 0


def test_a_sample_is_some_rows_and_deep_is_all(counted: Line) -> None:
    def looked_at(*options: str) -> int:
        shown = counted("consistency", "check", "rows_tallies", "--json", *options, app=TALLIED)
        assert shown.exit_code == 0, shown.stderr
        return int(json.loads(shown.stdout)[0]["looked_at"])

    counted.announce_only("g", "of another share than the two before")
    counted.project(tallied)
    assert looked_at() == 3
    assert looked_at("--sample", "2") in (1, 2)
    assert looked_at("--sample", "2", "--deep") == 3


def test_a_check_that_cannot_be_run_has_another_code(counted: Line) -> None:
    content = counted.path.read_bytes()
    assert content.count(b'{"text":"one"}') == 1
    counted.path.write_bytes(content.replace(b'{"text":"one"}', b'{"text":"0ne"}'))
    failed = counted("consistency", "check", "rows_tallies", app=TALLIED)
    assert failed.exit_code == ExitCode.REFUSED
    assert "StoreCorrupt" in failed.stdout

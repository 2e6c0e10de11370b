"""`headwater demo incidents`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headwater.cli.exits import ExitCode
from headwater.cli.program import program
from tests.demo.incidents.rows import generated, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small file with its truth."""
    return write(tmp_path, generated(300))


def incidents(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(
        program, ["demo", "incidents", *arguments], env={"HEADWATER_DATA": None}, catch_exceptions=False
    )
    return result.exit_code, result.stdout, result.stderr


def test_without_data_entries_are_generated_and_it_says_so() -> None:
    code, out, complaint = incidents("--lines", "300")
    assert code == 0
    assert "so 300 entries of a desk are generated" in complaint
    assert "commands: 300 sent" in out
    assert "backlog at the end of 2016-02" in out
    assert "hours to resolve 3 - Moderate" in out
    assert "SLA kept" in out
    assert "sqlite:///incidents.db" in out


def test_figures_are_equal_to_the_truth_beside_the_data(file: Path) -> None:
    code, out, _ = incidents("--data", str(file), "--engine", "memory://", "--check")
    assert code == 0
    assert "equal to truth: 28 of 28 keys of truth.json, truth_at.json" in out


def test_json_has_the_figures_and_the_seconds(file: Path) -> None:
    url = f"sqlite:///{file.parent}/a.db"
    code, out, _ = incidents("--data", str(file), "--engine", url, "--json")
    assert code == 0
    printed = json.loads(out)
    assert (printed["events"], printed["commands"]) == (300, 300)
    assert printed["truth"]["different"] == []
    assert set(printed["seconds"]) == {"commands", "projections", "figures"}
    _, out, _ = incidents("--data", str(file), "--engine", url)
    assert "0 sent, 300 known from an earlier run" in out


def test_a_difference_is_named_and_is_an_exit_code(file: Path) -> None:
    path = file.parent / "truth.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sum_final_reopen_count": -1}))
    code, out, complaint = incidents("--data", str(file), "--engine", "memory://")
    assert code == ExitCode.WRONG
    assert "NOT equal to truth: 27 of 28" in out
    assert "sum_final_reopen_count is" in complaint


def test_a_check_without_a_truth_fails(file: Path) -> None:
    code, _, complaint = incidents("--data", str(file), "--lines", "9", "--engine", "memory://", "--check")
    assert code == ExitCode.WRONG
    assert "nothing to check against" in complaint

"""`headwater demo retail`."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headwater.cli.exits import ExitCode
from headwater.cli.program import program
from headwater.demo.retail.lines import COLUMNS
from tests.demo.retail.rows import generated
from tests.demo.retail.truth_by_hand import truth_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small file with its truth."""
    rows = generated(150)
    with (tmp_path / "events.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "truth.json").write_text(json.dumps(truth_of(rows)))
    return tmp_path


def retail(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(
        program, ["demo", "retail", *arguments], env={"HEADWATER_DATA": None}, catch_exceptions=False
    )
    return result.exit_code, result.stdout, result.stderr


def test_without_data_lines_are_generated_and_it_says_so() -> None:
    code, out, complaint = retail("--lines", "100")
    assert code == 0
    assert "so 100 lines of a shop are generated" in complaint
    assert "commands: 100 sent" in out
    assert "sqlite:///retail.db" in out


def test_figures_are_equal_to_the_truth_beside_the_data(folder: Path) -> None:
    code, out, _ = retail("--data", str(folder / "events.csv"), "--engine", "memory://", "--check")
    assert code == 0
    assert "equal to truth: 25 of 25 keys of truth.json" in out


def test_json_has_the_figures_and_the_seconds(folder: Path) -> None:
    code, out, _ = retail("--data", str(folder / "events.csv"), "--engine", f"sqlite:///{folder}/a.db", "--json")
    assert code == 0
    printed = json.loads(out)
    assert printed["events"] == 150
    assert printed["commands"] == 150
    assert printed["truth"]["different"] == []
    assert set(printed["seconds"]) == {"commands", "projections", "figures"}
    assert printed["commands_per_second"] > 0
    _, out, _ = retail("--data", str(folder / "events.csv"), "--engine", f"sqlite:///{folder}/a.db")
    assert "0 sent, 150 known from an earlier run" in out


def test_a_difference_is_named_and_is_an_exit_code(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    (folder / "truth.json").write_text(json.dumps(truth | {"sum_quantity": 1}))
    code, out, complaint = retail("--data", str(folder / "events.csv"), "--engine", "memory://")
    assert code == ExitCode.WRONG
    assert "NOT equal to truth: 24 of 25" in out
    assert "sum_quantity is" in complaint


def test_a_check_without_a_truth_fails(folder: Path) -> None:
    code, _, complaint = retail(
        "--data", str(folder / "events.csv"), "--lines", "9", "--engine", "memory://", "--check"
    )
    assert code == ExitCode.WRONG
    assert "nothing to check against" in complaint

"""An error is one line on standard error and an exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import headwater.cli
from headwater.cli.exits import ExitCode, exit_code_of
from headwater.cli.printing import visible
from headwater.cli.program import program
from headwater.errors import DomainError, HeadwaterError, InvalidInput, StoreBusy, UnknownEngine
from tests.cli.conftest import Line


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(program, ["status", "--url", f"sqlite:///{tmp_path}/none.db"])
    assert result.exit_code == ExitCode.STORE
    assert result.stderr.startswith("headwater: there is no store")
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("streams", "show", "board-none"), ExitCode.USAGE, "no stream"),
        (("streams", "show", "nothing"), ExitCode.USAGE, "category-id"),
        (("streams", "ls", "--limit", "-1"), ExitCode.USAGE, "Invalid value"),
        (("status", "--url", "nosuch://x"), ExitCode.USAGE, "no installed engine"),
        (("projections", "rebuild", "nobody", "--yes"), ExitCode.USAGE, "nobody"),
        (("projections", "ls", "--app", "nowhere"), ExitCode.USAGE, "module:name"),
        (("projections", "ls", "--app", "no.such.module:app"), ExitCode.USAGE, "cannot be imported"),
        (("projections", "ls", "--app", "tests.cli.application:nothing"), ExitCode.USAGE, "nothing"),
        (("projections", "ls", "--app", "tests.cli.application:not_an_app"), ExitCode.USAGE, "CQRSManager"),
        (("dlq", "show", "notices", "0"), ExitCode.USAGE, "nothing parked"),
        (("restore", "none.db", "--yes"), ExitCode.STORE, "no backup"),
        (("demo", "retail", "--data", "none.csv"), ExitCode.USAGE, "cannot be read"),
        (("backup", "x.db", "--url", "memory://"), ExitCode.USAGE, "no backup"),
        (("restore", "x.db", "--url", "memory://"), ExitCode.USAGE, "no file"),
    ],
)
def test_a_mistake_is_one_line_and_a_code(line: Line, arguments: tuple[str, ...], code: int, word: str) -> None:
    result = line(*arguments)
    assert result.exit_code == code
    assert word in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("def broken(:", "broken_app.py, line 1"),
        ("import sys\nsys.nothing", "broken_app.py:2"),
        ("1 / 0", "ZeroDivisionError"),
        ("import no_such_library", "no_such_library"),
    ],
)
def test_an_application_that_cannot_be_imported_is_one_line(tmp_path: Path, code: str, word: str) -> None:
    (tmp_path / "broken_app.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "headwater.cli", "dlq", "ls", "--app", "broken_app:app"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.startswith("headwater: 'broken_app' cannot be imported")
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_store_at_all() -> None:
    result = CliRunner().invoke(program, ["status"], env={"HEADWATER_URL": None, "HEADWATER_APP": None})
    assert result.exit_code == ExitCode.USAGE
    assert "HEADWATER_URL" in result.stderr


def test_a_manager_may_be_named_itself(line: Line) -> None:
    assert line("projections", "ls", "--app", "tests.cli.application:in_memory").exit_code == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("x"), ExitCode.USAGE),
        (UnknownEngine("x"), ExitCode.USAGE),
        (StoreBusy("x"), ExitCode.STORE),
        (DomainError("x"), ExitCode.REFUSED),
    ],
)
def test_each_branch_of_the_tree_has_its_code(error: HeadwaterError, code: ExitCode) -> None:
    assert exit_code_of(error) == code


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(headwater.cli, "NEEDED", ("typer", "no_such_package"))
    with pytest.raises(SystemExit) as stopped:
        headwater.cli.main()
    assert stopped.value.code == 2
    assert "pip install 'headwater[cli]'" in capsys.readouterr().err


def test_the_version_and_the_help() -> None:
    assert CliRunner().invoke(program, ["--version"]).stdout.strip()
    shown = CliRunner().invoke(program, ["--help"]).stdout
    assert "Exit codes" in shown


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headwater.cli", "status", "--url", "sqlite:///no/such.db"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.STORE
    assert done.stderr.startswith("headwater: ")
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "shown"), [("a\x1b[0m", "a\\x1b[0m"), ("é", "é"), ("a\nb", "a\\nb"), ("\u202e", "\\u202e"), (None, "")]
)
def test_what_does_not_print_is_written_out(text: str | None, shown: str) -> None:
    assert visible(text) == shown

"""The README is a program: its first file runs as it stands, twice."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def test_the_first_file_runs_and_repeating_it_changes_nothing(tmp_path: Path) -> None:
    write_program(tmp_path)
    printed = [run(tmp_path, "first.py"), run(tmp_path, "first.py")]
    assert printed[0] == printed[1]
    assert printed[0].startswith("u1 UserView(id='u1', email='john@example.com', name='John'")
    assert (tmp_path / "shop.db").exists()


def test_the_command_line_finds_the_first_files_application(tmp_path: Path) -> None:
    write_program(tmp_path)
    run(tmp_path, "first.py")
    (command,) = re.findall(r"`headwater (dlq ls --app [^`]*)`", README.read_text())
    assert run(tmp_path, "-m", "headwater.cli", *command.split(), "--json") == "[]\n"


@pytest.mark.timeout(150)
def test_the_commands_of_operation_run_as_they_stand(tmp_path: Path) -> None:
    write_program(tmp_path)
    run(tmp_path, "first.py")
    (block,) = re.findall(r"```bash\n(export HEADWATER_APP.*?)```", README.read_text(), re.DOTALL)
    executable = Path(sys.executable).parent
    script = f"set -e; PATH={executable}:$PATH\n{block}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "copy.db").exists()


def write_program(folder: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (folder / "first.py").write_text(program)


def run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=50).stdout

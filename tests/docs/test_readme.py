"""The README is a program: its first file runs as it stands, twice."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_first_file_runs_and_repeating_it_changes_nothing(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "first.py").write_text(program)
    printed = [_run(tmp_path), _run(tmp_path)]
    assert printed[0] == printed[1]
    assert printed[0].startswith("u1 UserView(id='u1', email='john@example.com', name='John'")
    assert (tmp_path / "shop.db").exists()


def _run(folder: Path) -> str:
    command = [sys.executable, "-W", "error", "first.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=50).stdout

"""The page on the read side is a program: its blocks run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "read-side.md"


def test_every_chapter_holds(tmp_path: Path) -> None:
    program = "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    (tmp_path / "bank.py").write_text(program)
    command = [sys.executable, "-W", "error", "bank.py"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=50)
    assert (printed.stdout, printed.stderr) == ("every chapter holds\n", "")

"""Pages whose Python blocks are one program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["run_page"]

DOCS = Path(__file__).parents[2] / "docs"


def run_page(name: str, folder: Path) -> str:
    """What a page's blocks print, run in a folder as they stand, warnings being errors."""
    program = "\n\n".join(re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL))
    file = folder / "page.py"
    file.write_text(program, encoding="utf-8")
    command = [sys.executable, "-W", "error", file.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=50)
    assert done.stderr == ""
    return done.stdout

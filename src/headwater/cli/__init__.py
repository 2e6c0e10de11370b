"""The command line: `headwater`, one file for each verb. It needs the extra `cli`."""

from __future__ import annotations

import importlib.util
import sys

__all__ = ["main"]

NEEDED = ("typer", "rich")


def main() -> None:
    """The console script; without the extra it says what to install."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"headwater: the command line needs {' and '.join(missing)}: pip install 'headwater[cli]'", file=sys.stderr
        )
        sys.exit(2)
    from headwater.cli.program import program

    program()

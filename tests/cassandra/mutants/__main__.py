"""`python -m tests.cassandra.mutants`: remove each rule in turn, and write into the page what follows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cassandra.mutants.catching import RULES, Caught, catch_all

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cassandra-protocol.md"
BEGIN, END = "<!-- written by python -m tests.cassandra.mutants -->\n", "<!-- end -->\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cassandra.mutants", description=__doc__)
    parser.add_argument("--schedules", type=int, help="of each rule; the page stays as it is")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    caught = catch_all(list(RULES), arguments.schedules, None, arguments.processes)
    text = table(caught)
    print(text)
    if arguments.schedules is None:
        PAGE.write_text(_written(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    if missed := [found.rule for found in caught if found.first_seed is None]:
        sys.exit(f"NOT CAUGHT: {', '.join(missed)}")


def table(caught: Sequence[Caught]) -> str:
    """A row for each rule, in Markdown."""
    lines = ["| step | rule removed | schedules | violated | most often |", "|---|---|---:|---:|---|"]
    lines += [_line(found) for found in caught]
    count = sum(found.first_seed is not None for found in caught)
    return "\n".join([*lines, "", f"{count} of {len(caught)} are caught."]) + "\n"


def _line(found: Caught) -> str:
    most = found.violations.most_common(1)[0][0] if found.violations else "not caught"
    step = RULES[found.rule].step
    return f"| {step} | {found.rule} | {found.schedules:,} | {found.violations.total():,} | {most} |"


def _written(page: str, text: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


if __name__ == "__main__":
    main()

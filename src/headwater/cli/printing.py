"""Printing: rows for people, JSON for programs. What is stored never reaches the terminal unescaped."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["Row", "begin_anew", "complain", "print_facts", "print_json", "print_rows", "say", "visible"]

Row: TypeAlias = Mapping[str, object]

_WIDE: Final = 10_000
"""Columns of a pipe: nothing is cut off or wrapped there."""


def visible(value: object) -> str:
    """Text in which every control character, line break and direction mark is written out as an escape."""
    text = "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_rows(rows: Iterable[Row], columns: Sequence[str], *, as_json: bool) -> None:
    """A table with a line for each row, or one JSON array of objects."""
    listed = list(rows)
    if as_json:
        print_json(listed)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        numbers = listed and all(isinstance(row.get(column), int | float) for row in listed)
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in listed:
        table.add_row(*[Text(visible(row.get(column))) for column in columns])
    out = _out()
    with out.capture() as shown:
        out.print(table)
    for line in shown.get().rstrip("\n").split("\n"):
        print(line.rstrip(), flush=True)


def print_facts(facts: Row) -> None:
    """A line for each name with its value."""
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {visible(value)}".rstrip(), flush=True)


def print_json(value: object, *, indent: int | None = 2) -> None:
    """ASCII only, so nothing in it can steer a terminal; without `indent` on one line."""
    print(json.dumps(value, indent=indent, default=_plain), flush=True)


def begin_anew() -> None:
    """What is printed next takes the place of what a terminal shows; elsewhere it follows after an empty line."""
    if sys.stdout.isatty():
        _out().clear()
    else:
        print(flush=True)


def say(line: object) -> None:
    """One line for people."""
    _out().print(Text(visible(line)))


def complain(line: object) -> None:
    """One line on standard error."""
    print(f"headwater: {visible(line)}", file=sys.stderr, flush=True)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _out() -> Console:
    """Made anew each time: standard output may have been replaced."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False, soft_wrap=not sys.stdout.isatty())

"""Report: one row for each promise, as a table for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tests.faults.history import Findings

__all__ = ["CONTROL", "Row", "control", "failures", "row", "table"]

CONTROL = "control: "
"""Begins the name of a row that must lose something, or the others prove nothing."""


class Row(msgspec.Struct, kw_only=True):
    """A promise, what was done to break it, and what broke."""

    promise: str
    operations: int
    """Acknowledged, or attempted where that is what counts."""
    faults: int
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    other: int = 0
    """Anything else that is wrong; for a control, what it lost."""


def row(promise: str, operations: int, faults: int, found: Findings) -> Row:
    """The row of a promise that must hold; prints what is wrong, the first of each kind."""
    kinds = {"lost": found.lost, "duplicated": found.duplicated, "reordered": found.reordered, "other": found.other}
    for kind, texts in kinds.items():
        for text in texts[:5]:
            print(f"  {kind}: {text}")
    counts = {kind: len(texts) for kind, texts in kinds.items()}
    return Row(promise=promise, operations=operations, faults=faults, **counts)


def control(promise: str, operations: int, faults: int, found: Findings) -> Row:
    """The row of a control."""
    return Row(promise=CONTROL + promise, operations=operations, faults=faults, other=len(found.lost))


def failures(rows: Sequence[Row]) -> list[str]:
    """The promises that did not hold, and the controls that lost nothing."""
    return [row.promise for row in rows if _fails(row)]


def _fails(row: Row) -> bool:
    if row.promise.startswith(CONTROL):
        return row.other == 0
    return row.lost + row.duplicated + row.reordered + row.other > 0


def table(rows: Sequence[Row]) -> str:
    """Every row on a line."""
    heads = ("operations", "faults", "lost", "duplicated", "reordered", "other")
    lines: list[tuple[str, ...]] = [("promise", *heads)]
    lines += [(row.promise, *(f"{getattr(row, head):,}" for head in heads)) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads) + 1)]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))
    return f"{cells[0]:{widths[0]}}  {numbers}"

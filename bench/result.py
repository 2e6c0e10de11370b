"""Result: one measured figure, what it stands beside, and whether it reaches its goal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

__all__ = ["Better", "Result", "judged", "table"]

Better = Literal["higher", "lower"]


class Result(msgspec.Struct, kw_only=True):
    """A row of the report."""

    name: str
    value: float | None
    """What headwater reached, in `unit`; None if it could not be measured."""
    unit: str
    better: Better
    against: str
    """What it is compared with, with the other side's figure; or why it was not run."""
    ratio: float | None = None
    """Ours / theirs, the median over interleaved rounds; None where a figure stands alone."""
    goal: float | None = None
    """For the ratio; for the value where there is no ratio. None: for information."""
    met: bool | None = None
    """None where there is no goal or nothing was measured."""


def judged(result: Result) -> Result:
    """The result with `met` computed from ratio (or value) and goal."""
    reached = result.ratio if result.ratio is not None else result.value
    if result.goal is None or reached is None:
        return msgspec.structs.replace(result, met=None)
    met = reached >= result.goal if result.better == "higher" else reached <= result.goal
    return msgspec.structs.replace(result, met=met)


def table(results: Sequence[Result]) -> str:
    """Every result on a line, for people."""
    rows: list[tuple[str, ...]] = [("", "what", "value", "unit", "ratio", "goal", "against")]
    rows += [_row(result) for result in results]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(
        "  ".join([*(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    )


def _row(result: Result) -> tuple[str, ...]:
    mark = {True: "met", False: "MISSED", None: ""}[result.met]
    sign = "≥" if result.better == "higher" else "≤"
    goal = "" if result.goal is None else f"{sign} {result.goal:g}"
    ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
    return mark, result.name, _figure(result.value), result.unit, ratio, goal, result.against


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"

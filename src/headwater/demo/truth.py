"""Truth: figures made by an independent program, beside the data, compared key by key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, cast

import msgspec

__all__ = ["Comparison", "Difference", "compare", "find_truth"]

_AMOUNT: Final = re.compile(r"-?\d+\.\d+")


class Difference(msgspec.Struct, frozen=True):
    """One figure that is not what it should be."""

    key: str
    ours: object
    truth: object


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found."""

    truth: str
    """The files compared with."""
    equal: tuple[str, ...]
    different: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        return not self.different


def find_truth(folder: Path, events: int) -> tuple[str, dict[str, object]] | None:
    """The truth for this many events: names of files and figures by key, with the notes of truth_at.json under `at`."""
    for path in sorted(folder.glob("truth*.json")):
        figures: object = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(figures, dict) and figures.get("events") == events:  # pyright: ignore[reportUnknownMemberType]
            found = cast("dict[str, object]", figures)
            notes = _notes(folder / "truth_at.json", events)
            return (path.name, found) if notes is None else (f"{path.name}, truth_at.json", found | {"at": notes})
    return None


def compare(ours: Mapping[str, object], truth: Mapping[str, object], names: str = "") -> Comparison:
    """Every key that both have. Amounts are equal as Decimals; everything else as it is written."""
    shared = [key for key in truth if key in ours]
    different = [Difference(key, ours[key], truth[key]) for key in shared if not _same(ours[key], truth[key])]
    wrong = {difference.key for difference in different}
    equal = tuple(key for key in shared if key not in wrong)
    return Comparison(truth=names, equal=equal, different=tuple(different))


def _notes(path: Path, events: int) -> object | None:
    """The notes taken on the way, if the last of them is of the whole sequence."""
    if not path.is_file():
        return None
    notes = cast("list[dict[str, object]]", json.loads(path.read_text(encoding="utf-8")))
    return notes if notes and notes[-1].get("position") == events else None


def _same(ours: object, truth: object) -> bool:
    match ours, truth:
        case dict(), dict():
            return _same_fields(cast("dict[str, object]", ours), cast("dict[str, object]", truth))
        case list(), list():
            return _same_items(cast("list[object]", ours), cast("list[object]", truth))
        case str(), str() if _AMOUNT.fullmatch(ours) and _AMOUNT.fullmatch(truth):
            return Decimal(ours) == Decimal(truth)
        case _:
            return type(ours) is type(truth) and ours == truth


def _same_fields(ours: dict[str, object], truth: dict[str, object]) -> bool:
    return ours.keys() == truth.keys() and all(_same(ours[key], truth[key]) for key in ours)


def _same_items(ours: list[object], truth: list[object]) -> bool:
    return len(ours) == len(truth) and all(map(_same, ours, truth))

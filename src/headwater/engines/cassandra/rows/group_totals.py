"""Group totals: what a group stage makes of rows that come page by page, each looked at once and let go.

The same to the last digit as `models.evaluate_pipeline`, which has all rows at hand: sums are kept exact, those of
floats as whole numbers of the smallest float there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, cast

import msgspec

from headwater.errors import InvalidCriteria
from headwater.models.evaluate import Row
from headwater.models.evaluate_pipeline import checked_sum, rounded_average
from headwater.models.fields import Field, Kind, Scalar
from headwater.models.pipeline_binding import BoundGroup, BoundTotal

__all__ = ["GroupTotals"]

_FLOAT_UNITS: Final = 2**1074
"""How many of the smallest float are 1.0."""


class _Tally:
    """One total of one group, so far."""

    __slots__ = ("count", "distinct", "least", "most", "units")

    def __init__(self) -> None:
        self.count = 0
        self.units = 0
        self.least: Scalar = None
        self.most: Scalar = None
        self.distinct: set[Scalar] = set()

    def add(self, operator: str, scalar: Scalar) -> None:
        self.count += 1
        match operator:
            case "$sum" | "$avg":
                self.units += _units(cast("int | float", scalar))
            case "$addToSet":
                self.distinct.add(scalar)
            case "$min":
                self.least = scalar if self.least is None else min(cast("str", self.least), cast("str", scalar))
            case "$max":
                self.most = scalar if self.most is None else max(cast("str", self.most), cast("str", scalar))
            case _:
                pass


class GroupTotals:
    """Groups of rows with these columns; at most `most` of them, and of the values they hold."""

    def __init__(self, stage: BoundGroup, columns: Mapping[str, Field], most: int) -> None:
        names = list(columns)
        self._keys = [None if key.source is None else names.index(key.source.name) for key in stage.keys]
        self._totals = [
            (total, names.index(total.source.name) if isinstance(total.source, Field) else None)
            for total in stage.totals
        ]
        self._most = most
        self._groups: dict[Row, list[_Tally]] = {}

    def add(self, rows: Iterable[Row]) -> None:
        """Raises InvalidCriteria for too many groups."""
        for row in rows:
            key = tuple([None if place is None else row[place] for place in self._keys])
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = [_Tally() for _ in self._totals]
            for tally, (total, place) in zip(group, self._totals, strict=True):
                if place is None:
                    tally.count += 1
                elif row[place] is not None:
                    tally.add(total.operator, row[place])
        self._check()

    def rows(self) -> list[Row]:
        """A row for each group; raises InvalidCriteria for a sum that no engine could hold."""
        return [
            (*key, *[_result(total, tally) for tally, (total, _) in zip(group, self._totals, strict=True)])
            for key, group in self._groups.items()
        ]

    def _check(self) -> None:
        sets = [at for at, (total, _) in enumerate(self._totals) if total.operator == "$addToSet"]
        held = len(self._groups) + sum([len(group[at].distinct) for group in self._groups.values() for at in sets])
        if held > self._most:
            raise InvalidCriteria(f"more than {self._most:,} groups, or values in them: match fewer rows")


def _result(total: BoundTotal, tally: _Tally) -> Scalar:
    name = total.field.name
    if not isinstance(total.source, Field):
        return checked_sum(tally.count * (1 if total.source is None else total.source), name)
    match total.operator:
        case "$sum":
            return _float(tally.units, name) if total.source.kind is Kind.REAL else checked_sum(tally.units, name)
        case "$avg":
            return _average(total.source, tally, name)
        case "$addToSet":
            return msgspec.json.encode(sorted(cast("set[str]", tally.distinct))).decode()
        case "$min":
            return tally.least
        case _:
            return tally.most


def _average(source: Field, tally: _Tally, name: str) -> Scalar:
    if not tally.count:
        return None
    if source.kind is Kind.DECIMAL:
        return checked_sum(rounded_average(tally.units, tally.count), name)
    return (_float(tally.units, name) if source.kind is Kind.REAL else float(tally.units)) / tally.count


def _units(number: float) -> int:
    if isinstance(number, int):
        return number
    above, below = number.as_integer_ratio()
    return above * (_FLOAT_UNITS // below)


def _float(units: int, name: str) -> float:
    try:
        return units / _FLOAT_UNITS
    except OverflowError:
        raise InvalidCriteria(f"the sum {name!r} is no finite float: match fewer rows") from None

"""Sums that are joined in place end before whatever else happens to their row."""

from __future__ import annotations

import pytest

from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert, apply, merge
from headwater.models.model import Key, ReadModel


class Count(ReadModel, table="merged_counts"):
    id: Key[str]
    total: int = 0
    most: int = 0


def add(total: int) -> Accumulate:
    return Accumulate(Count, "a", Count(id="a"), add={"total": total})


@pytest.mark.parametrize(
    "change",
    [
        Insert(Count(id="a", total=50)),
        Delete(Count, "a"),
        Update(Count, "a", {"total": 7}),
        Upsert(Count, "a", {"total": 7}, Count(id="a", total=7)),
        Accumulate(Count, "a", Count(id="a"), max={"most": 3}),
        Accumulate(Count, "a", Count(id="a"), max={"total": 2}),
        Accumulate(Count, "a", Count(id="a", most=9), add={"total": 1}),
    ],
)
@pytest.mark.parametrize("row", [None, Count(id="a", total=100, most=1)])
def test_a_change_after_sums_sees_them_and_sums_go_on_behind_it(change: Change, row: Count | None) -> None:
    changes: list[Change] = [add(1), add(2), add(3), change, add(4), add(5)]
    merged = merge(changes)
    assert len(merged) <= 3
    assert _after(merged, row) == _after(changes, row)


def _after(changes: list[Change], row: ReadModel | None) -> ReadModel | None:
    for change in changes:
        row = apply(change, row)
    return row

"""Hashes of rows and tables: equal for what is equal, in any order, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated

import msgspec
import pytest

from headwater.errors import InvalidMessage
from headwater.models.fields import Scale
from headwater.models.hashing import TableHash, row_hash, table_hash
from headwater.models.model import Key, ReadModel

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Line(ReadModel, table="hashed_lines"):
    id: Key[str]
    price: Annotated[Decimal, Scale(2)] = Decimal(0)
    at: datetime = NOON
    tags: dict[str, int] = msgspec.field(default_factory=dict)
    ratio: float = 0.0
    note: str | None = None


class Same(ReadModel, table="hashed_elsewhere"):
    id: Key[str]
    number: int = 1


class Other(ReadModel, table="hashed_otherwise"):
    id: Key[str]
    count: int = 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Line(id="a", price=Decimal("1.5")), Line(id="a", price=Decimal("1.50"))),
        (Line(id="a"), Line(id="a", at=NOON.astimezone(timezone(timedelta(hours=2))))),
        (Line(id="a", tags={"x": 1, "y": 2}), Line(id="a", tags={"y": 2, "x": 1})),
        (Line(id="a", ratio=-0.0), Line(id="a", ratio=0.0)),
    ],
)
def test_equal_rows_have_one_hash(one: Line, other: Line) -> None:
    assert row_hash(one) == row_hash(other)


def test_rows_that_differ_have_different_hashes() -> None:
    rows: list[ReadModel] = [
        Line(id="a"),
        Line(id="b"),
        Line(id="a", price=Decimal("0.01")),
        Line(id="a", at=NOON + timedelta(microseconds=1)),
        Line(id="a", note=""),
        Line(id="a", note="a"),
        Same(id="a"),
        Other(id="a"),
    ]
    assert len({row_hash(row) for row in rows}) == len(rows)


def test_a_hash_is_the_same_in_every_process_and_release() -> None:
    assert row_hash(Same(id="a")).hex() == "1a69c022b921058db2f73a109db4402e"
    assert str(table_hash([Same(id="a"), Same(id="b")])) == "2:8bae59163d5b1c3986457d0338705e7b"


def test_a_value_that_does_not_fit_has_no_hash() -> None:
    with pytest.raises(InvalidMessage):
        row_hash(Line(id="a", price=Decimal("0.001")))


def test_the_order_of_rows_does_not_count_and_parts_join() -> None:
    rows = [Same(id=str(number), number=number) for number in range(100)]
    whole = table_hash(rows)
    assert whole == table_hash(reversed(rows)) == table_hash(rows[:30]) + table_hash(rows[30:])
    assert (whole.rows, table_hash([])) == (100, TableHash())


def test_a_row_lost_added_or_changed_shows() -> None:
    rows = [Same(id=str(number), number=number) for number in range(10)]
    hashes = [
        table_hash(rows),
        table_hash(rows[1:]),
        table_hash([*rows, Same(id="10")]),
        table_hash([Same(id="0", number=7), *rows[1:]]),
        table_hash([Same(id="0", number=1), Same(id="1", number=0), *rows[2:]]),
    ]
    assert len({str(one) for one in hashes}) == len(hashes)

"""Instants as microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.domain.metadata import from_micros, to_micros
from headwater.errors import InvalidInput

END = 4_481_049_600_000_000
"""2112-01-01 in microseconds since 1970."""


@given(st.integers(0, END - 1))
def test_exact_to_the_microsecond(micros: int) -> None:
    assert to_micros(from_micros(micros)) == micros


@pytest.mark.parametrize("micros", [0, 1, 999_999, 1_750_000_000_123_457, END - 1])
def test_the_ends(micros: int) -> None:
    assert to_micros(from_micros(micros)) == micros


def test_the_hour_that_comes_twice() -> None:
    first = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert to_micros(first.replace(fold=1)) - to_micros(first) == 3_600_000_000


def test_naive() -> None:
    with pytest.raises(InvalidInput, match="no time zone"):
        to_micros(datetime(2025, 1, 1))  # noqa: DTZ001  # what is refused


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2112, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    ],
)
def test_outside_the_range(moment: datetime) -> None:
    with pytest.raises(InvalidInput, match="outside 1970"):
        to_micros(moment)

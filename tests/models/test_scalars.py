"""Values and scalars: there and back exactly, and nothing that would come back otherwise."""

from __future__ import annotations

import decimal
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import BadDeclaration, DecodingError, InvalidMessage
from headwater.models.fields import Scale
from headwater.models.model import Key, ReadModel, schema_of


class Colour(StrEnum):
    RED = "red"


class Size(Enum):
    SMALL = 1


class Everything(ReadModel):
    id: Key[str]
    real: float | None = None
    money: Annotated[Decimal, Scale(2)] | None = None
    time: datetime | None = None
    colour: Colour | None = None
    size: Size | None = None
    level: Literal["low", "high"] | None = None
    maps: dict[str, int] | None = None
    numbers: list[int] | None = None


FIELDS = schema_of(Everything).fields


@given(st.integers(-(2**63), 2**63 - 1))
def test_decimals_come_back_exactly(units: int) -> None:
    value = Decimal(units).scaleb(-2, decimal.Context(prec=40))
    assert FIELDS["money"].to_scalar(value) == units
    with decimal.localcontext(prec=3):
        assert str(FIELDS["money"].to_value(units)) == str(value)


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_instants_come_back_exactly(moment: datetime) -> None:
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        with pytest.raises(InvalidMessage):
            FIELDS["time"].to_scalar(moment)
        return
    assert FIELDS["time"].to_value(FIELDS["time"].to_scalar(moment)) == expected


@given(a=st.datetimes(timezones=st.just(UTC)), b=st.datetimes(timezones=st.just(UTC)))
def test_instants_compare_as_their_scalars(a: datetime, b: datetime) -> None:
    first, second = FIELDS["time"].to_scalar(a), FIELDS["time"].to_scalar(b)
    assert (a < b) == (first < second)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("real", float("nan")),
        ("real", float("inf")),
        ("real", True),
        ("real", 2**53 + 1),
        ("money", Decimal("0.001")),
        ("money", Decimal("NaN")),
        ("money", Decimal("sNaN")),
        ("money", Decimal("1E+999999")),
        ("money", Decimal("1E-999999")),
        ("money", Decimal("92233720368547758.08")),
        pytest.param("money", 10**5_000, id="an integer too long to print"),
        ("money", 0.5),
        ("time", datetime(2024, 1, 1)),  # noqa: DTZ001  # naive
        ("time", date(2024, 1, 1)),
        ("time", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
        ("id", "\0"),
        ("id", "a\ud800"),
        ("id", b"x"),
        ("id", None),
        ("colour", "blue"),
        ("colour", 1),
        ("size", True),
        ("size", 2),
        ("level", "middle"),
        ("maps", {"a": "b"}),
        ("maps", ["a"]),
        ("maps", {"a": float("nan")}),
        ("numbers", [2**63]),
        ("numbers", ["1"]),
        ("numbers", [1.5]),
    ],
)
def test_what_would_not_come_back_is_refused(name: str, value: object) -> None:
    with pytest.raises(InvalidMessage):
        FIELDS[name].to_scalar(value)


@pytest.mark.parametrize(
    ("name", "value", "scalar", "back"),
    [
        ("real", -0.0, 0.0, 0.0),
        ("real", 3, 3.0, 3.0),
        ("money", 3, 300, Decimal("3.00")),
        ("money", Decimal("0E+999999"), 0, Decimal("0.00")),
        ("colour", "red", "red", Colour.RED),
        ("colour", Colour.RED, "red", Colour.RED),
        ("size", Size.SMALL, 1, Size.SMALL),
        ("level", "low", "low", "low"),
        ("maps", {"b": 1, "a": 2}, '{"a":2,"b":1}', {"a": 2, "b": 1}),
        ("id", Colour.RED, "red", "red"),
    ],
)
def test_what_has_several_forms_is_stored_in_one(name: str, value: object, scalar: object, back: object) -> None:
    stored = FIELDS[name].to_scalar(value)
    assert (stored, type(stored)) == (scalar, type(scalar))
    assert FIELDS[name].to_value(stored) == back


def test_stored_scalars_that_no_longer_fit_say_so() -> None:
    for name, scalar in (("colour", "blue"), ("size", 9), ("maps", "[1]"), ("numbers", "not json")):
        with pytest.raises(DecodingError):
            FIELDS[name].to_value(scalar)


def test_a_key_has_one_form() -> None:
    with pytest.raises(BadDeclaration):

        class ByEnum(ReadModel):
            id: Key[Size]

    with pytest.raises(BadDeclaration):

        class Optional(ReadModel):
            id: Key[UUID | None]

    with pytest.raises(BadDeclaration):

        class Listed(ReadModel):
            id: Key[list[str]]

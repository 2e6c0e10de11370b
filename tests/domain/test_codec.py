"""What JSON would lose, or could not be read back, is refused before it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from headwater.domain.messages import Event, EventLike
from headwater.domain.registry import Registry
from headwater.errors import InvalidMessage, LimitExceeded
from headwater.limits import Limits


class Anything(Event):
    value: Any


class Flat(Event):
    name: str
    count: int = 0


@dataclass(frozen=True)
class Plain(EventLike):
    value: Any


REGISTRY = Registry(Limits(payload_bytes=1_000))
REGISTRY.register(Anything, Flat, Plain)


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("cls", [Anything, Plain])
@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), float("-inf"), [{"a": float("nan")}], {"k": (1, [float("inf")])}]
)
def test_numbers_that_json_has_not(cls: type[Anything], value: object) -> None:
    with pytest.raises(InvalidMessage, match="JSON has no such number"):
        REGISTRY.encode(cls(value=value))


@pytest.mark.parametrize("cls", [Anything, Plain])
@pytest.mark.parametrize("moment", [datetime(2025, 1, 1), [datetime(1, 1, 1)]])  # noqa: DTZ001  # what is refused
def test_a_naive_datetime_has_no_meaning(cls: type[Anything], moment: object) -> None:
    with pytest.raises(InvalidMessage, match="time zone JSON cannot say: use UTC"):
        REGISTRY.encode(cls(value=moment))


def test_a_zone_that_is_seconds_off_would_be_rounded() -> None:
    with pytest.raises(InvalidMessage, match="use UTC"):
        REGISTRY.encode(Anything(value=datetime(1912, 1, 1, tzinfo=ZoneInfo("Africa/Abidjan"))))


class At(Event):
    moment: datetime


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime(2025, 3, 30, 2, 30, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_an_aware_datetime_of_any_year_is_kept_exactly(moment: datetime) -> None:
    registry = Registry()
    registry.register(At)
    assert registry.decode(*registry.encode_readable(At(moment=moment))) == (At(moment=moment),)


@pytest.mark.parametrize("depth", [65, 100_000])
def test_nesting_is_bounded(depth: int) -> None:
    with pytest.raises(LimitExceeded, match="the nesting of Anything"):
        REGISTRY.encode(Anything(value=nested(depth)))


def test_nesting_up_to_the_limit() -> None:
    assert REGISTRY.encode(Anything(value=nested(60)))


@pytest.mark.parametrize("value", ["\ud800", pytest.param(10**100_000, id="huge"), object(), {object(): 1}])
def test_what_json_cannot_carry(value: object) -> None:
    with pytest.raises(InvalidMessage, match="cannot be written as JSON"):
        REGISTRY.encode(Anything(value=value))


def test_the_payload_is_bounded() -> None:
    with pytest.raises(LimitExceeded, match="the payload of Flat in bytes"):
        REGISTRY.encode(Flat(name="a" * 1_000))


@pytest.mark.parametrize(
    "event",
    [Flat(name=5), Flat(name="a", count="1"), Flat(name=None), Flat(name="a", count=Decimal(1))],  # type: ignore[arg-type]
)
def test_a_wrong_type_is_refused_before_it_could_spoil_a_stream(event: Flat) -> None:
    with pytest.raises(InvalidMessage, match="could not be read back"):
        REGISTRY.encode_readable(event)

"""Values come back as they were written, types and all, and lists are asked for items of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Literal
from uuid import UUID

import pytest

from headwater.models.criteria import Compare, Contains, In
from headwater.models.fields import Scale
from headwater.models.model import Indexed, Key, ReadModel
from headwater.models.pipeline import Accumulator, Group, Match, Unwind
from headwater.ports.read_models import Selection
from tests.engines.postgres.stores import opened, write
from tests.engines.servers import fresh_schema


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Thing(ReadModel, table="thing"):
    id: Key[UUID]
    colour: Colour
    size: Size | None
    way: Literal["up", "down"]
    fine: Annotated[Decimal, Scale(15)]
    whole: Annotated[Decimal, Scale(0)]
    at: datetime
    floats: list[float]
    truths: Indexed[list[bool]]
    ids: Indexed[frozenset[UUID]]
    days: tuple[date, ...]
    counts: list[int | None] | None
    colours: list[Colour]
    anything: dict[str, object]


THING = Thing(
    id=UUID(int=7),
    colour=Colour.BLUE,
    size=Size.LARGE,
    way="down",
    fine=Decimal("-9223.372036854775808"),
    whole=Decimal(9223372036854775807),
    at=datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    floats=[-0.0, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, 3.0],
    truths=[True],
    ids=frozenset([UUID(int=1), UUID(int=2**127)]),
    days=(date.max, date.min),
    counts=[2**63 - 1, None, -(2**63)],
    colours=[Colour.RED],
    anything={"": [1, 1.0, -0.0, None, True, 10**18], "a": "\0\u2028\ud7ff", "deep": {"a": [], "b": {}}, "z": 1e22},
)
OTHER = Thing(
    id=UUID(int=8),
    colour=Colour.RED,
    size=None,
    way="up",
    fine=Decimal(0),
    whole=Decimal(0),
    at=datetime(2026, 1, 1, tzinfo=UTC),
    floats=[],
    truths=[False],
    ids=frozenset(),
    days=(),
    counts=None,
    colours=[],
    anything={},
)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema() as url:
        yield url


async def test_a_row_comes_back_to_the_last_type_and_sign(url: str) -> None:
    async with opened(url, Thing) as engine:
        await write(engine, THING, OTHER)
        found = await engine.read_models.get(Thing, UUID(int=7))
        assert found is not None
        assert repr(found) == repr(THING)
        assert type(found.id) is UUID
        assert found.at.tzinfo is UTC
        zero = await engine.read_models.get(Thing, UUID(int=8))
        assert zero is not None
        assert (str(zero.fine), str(zero.whole)) == ("0E-15", "0")


@pytest.mark.parametrize(
    ("field", "present", "absent"),
    [
        ("floats", -0.0, 0.5),
        ("floats", 1e22, 1e23),
        ("floats", 5e-324, 1e-323),
        ("floats", 3.0, 2.0),
        ("ids", UUID(int=2**127), UUID(int=3)),
        ("days", date.min, date(2026, 1, 1)),
        ("counts", 2**63 - 1, 2**63 - 2),
        ("colours", Colour.RED, Colour.BLUE),
        ("truths", True, None),
    ],
)
async def test_a_list_is_asked_for_an_item(url: str, field: str, present: object, absent: object) -> None:
    async with opened(url, Thing) as engine:
        await write(engine, THING, OTHER)
        found = await engine.read_models.find(Thing, Selection(criteria=Contains(field, present)))
        assert [row.id.int for row in found] == [7]
        if absent is not None:
            assert await engine.read_models.count(Thing, Contains(field, absent)) == 0
        unwound = Unwind(field), Match(Compare(field, "==", present)), Group({}, {"n": Accumulator("$count")})
        assert await engine.read_models.aggregate(Thing, unwound) == [{"_id": None, "n": 1}]


async def test_a_set_in_a_pipeline_is_asked_for_an_item(url: str) -> None:
    async with opened(url, Thing) as engine:
        await write(engine, THING, OTHER)
        for field, present, absent in [
            ("whole", THING.whole, Decimal(1)),
            ("at", THING.at, datetime(2025, 1, 1, tzinfo=UTC)),
            ("colour", Colour.BLUE, None),
            ("id", UUID(int=8), UUID(int=9)),
        ]:
            together = Group({}, {"set": Accumulator("$addToSet", field), "n": Accumulator("$count")})
            found = await engine.read_models.aggregate(Thing, (together, Match(Contains("set", present))))
            assert [row["n"] for row in found] == [2]
            if absent is not None:
                assert await engine.read_models.aggregate(Thing, (together, Match(Contains("set", absent)))) == []


async def test_many_values_of_each_kind_are_looked_for_at_once(url: str) -> None:
    many: dict[str, list[object]] = {
        "id": [UUID(int=number) for number in range(8)],
        "fine": [Decimal(number).scaleb(-15) + THING.fine for number in range(300)],
        "at": [THING.at.replace(microsecond=number) for number in range(999_700, 1_000_000)],
        "colour": [Colour.BLUE],
        "size": [Size.LARGE, Size.SMALL],
    }
    async with opened(url, Thing) as engine:
        await write(engine, THING, OTHER)
        for field, values in many.items():
            found = await engine.read_models.find(Thing, Selection(criteria=In(field, tuple(values))))
            assert [row.id.int for row in found] == [7], field

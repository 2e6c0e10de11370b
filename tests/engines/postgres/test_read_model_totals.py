"""Sums that the server makes: exact, whatever the floats, and refused by name where they do not fit."""

from __future__ import annotations

import math
import struct
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headwater.errors import InvalidCriteria
from headwater.models.model import Key, ReadModel
from headwater.models.pipeline import Accumulator, Group, Unwind
from tests.engines.postgres.stores import opened, select, write
from tests.engines.servers import fresh_schema


class Reading(ReadModel, table="reading"):
    id: Key[int]
    value: float | None
    count: int = 0
    mark: bytes | None = None


BITS = st.integers(0, 2**64 - 1).map(lambda bits: cast("float", struct.unpack("d", struct.pack("Q", bits))[0]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False) | BITS.filter(math.isfinite) | st.floats(-1e3, 1e3)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema() as url:
        yield url


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FLOATS, max_size=60))
@example([5e-324, -5e-324, 2.2e-308, 1.7e308, 0.1, -0.1, 2.0**62, 2.0**-62, 1 + 2.0**-52, 1e22, 2.0**-124])
async def test_a_float_is_taken_for_the_number_it_is(url: str, floats: list[float]) -> None:
    async with opened(url):
        pass
    (found,) = await select(
        url,
        "SELECT array_agg(headwater_exact(x)::text ORDER BY n) FROM unnest($1::float8[]) WITH ORDINALITY AS f(x, n)",
        floats,
    )
    assert [Fraction(text) for text in cast("list[str] | None", found[0]) or []] == list(map(Fraction, floats))


@pytest.mark.parametrize(
    "floats",
    [
        [0.1] * 10,
        [1e308, 1e-308, -1e308],
        [1e100, 1.0, -1e100, 0.1, None],
        [5e-324, 5e-324],
        [None],
        [-0.5, 0.5],
    ],
)
async def test_sums_of_floats_are_rounded_once(url: str, floats: list[float | None]) -> None:
    present = [value for value in floats if value is not None]
    async with opened(url, Reading) as engine:
        await write(engine, *[Reading(id=number, value=value) for number, value in enumerate(floats)])
        totals = {"sum": Accumulator("$sum", "value"), "mean": Accumulator("$avg", "value")}
        (row,) = await engine.read_models.aggregate(Reading, (Group({}, totals),))
    mean = math.fsum(present) / len(present) if present else None
    assert repr(row) == repr({"_id": None, "sum": math.fsum(present), "mean": mean})


async def test_what_does_not_fit_is_refused_by_name(url: str) -> None:
    async with opened(url, Reading) as engine:
        await write(engine, *[Reading(id=number, value=1.7e308, count=2**62) for number in range(2)])
        for total in (Accumulator("$sum", "value"), Accumulator("$sum", "count"), Accumulator("$sum", 2**63)):
            with pytest.raises(InvalidCriteria, match="the sum 'much' does not fit"):
                await engine.read_models.aggregate(Reading, (Group({}, {"much": total}),))


async def test_sets_of_floats_hold_floats_and_bytes_are_compared(url: str) -> None:
    async with opened(url, Reading) as engine:
        values = [(1.0, b"\1"), (2.5, b"\1\0"), (1.0, b""), (1e300, None)]
        await write(engine, *[Reading(id=n, value=value, mark=mark) for n, (value, mark) in enumerate(values)])
        totals = {
            "all": Accumulator("$addToSet", "value"),
            "least": Accumulator("$min", "mark"),
            "most": Accumulator("$max", "mark"),
        }
        rows = await engine.read_models.aggregate(Reading, (Group({}, totals),))
        assert repr(rows) == repr([{"_id": None, "all": [1.0, 2.5, 1e300], "least": b"", "most": b"\1\0"}])
        rows = await engine.read_models.aggregate(Reading, (Group({}, totals), Unwind("all")))
        assert repr([row["all"] for row in rows]) == repr([1.0, 2.5, 1e300])

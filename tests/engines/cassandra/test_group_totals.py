"""Totals of groups whose rows come in pages: to the last digit what the reference makes of all rows at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.engines.cassandra.rows.group_totals import GroupTotals
from headwater.errors import InvalidCriteria
from headwater.models.evaluate import Row
from headwater.models.evaluate_pipeline import evaluate_pipeline
from headwater.models.fields import Scale
from headwater.models.model import Key, ReadModel, schema_of
from headwater.models.pipeline_binding import BoundGroup, BoundPipeline, bind_pipeline
from headwater.models.pipeline_parsing import parse_pipeline


class Measure(ReadModel, table="group_totals_measure"):
    id: Key[int]
    kind: str | None = None
    price: Annotated[Decimal, Scale(2)] = Decimal(0)
    stock: int | None = None
    weight: float | None = None


FIELDS = ("price", "stock", "weight")
TOTALS: dict[str, object] = {
    "n": {"$count": {}},
    "threes": {"$sum": 3},
    "kinds": {"$addToSet": "$kind"},
    "prices": {"$addToSet": "$price"},
    **{f"{sign[1:]}_{name}": {sign: f"${name}"} for sign in ("$sum", "$avg", "$min", "$max") for name in FIELDS},
}
SCHEMA = schema_of(Measure)
PIPELINE = bind_pipeline(parse_pipeline([{"$group": {"_id": {"k": "$kind", "s": "$stock"}, **TOTALS}}]), SCHEMA)

rows = st.tuples(
    st.integers(0, 9),
    st.sampled_from([None, "", "a", "b"]),
    st.integers(-(2**60), 2**60),
    st.sampled_from([None, 0, 1, -7, 2**62]),
    st.one_of(st.none(), st.floats(-1e300, 1e300).map(lambda number: number + 0.0)),
)


def group() -> BoundGroup:
    stage = PIPELINE.stages[0]
    assert isinstance(stage, BoundGroup)
    return stage


def of_pages(pages: list[list[Row]], most: int = 1_000) -> list[Row] | str:
    totals = GroupTotals(group(), PIPELINE.source, most)
    try:
        for page in pages:
            totals.add(page)
        return totals.rows()
    except InvalidCriteria as error:
        return str(error)


def of_all(pages: list[list[Row]]) -> list[Row] | str:
    try:
        return evaluate_pipeline(
            BoundPipeline(PIPELINE.source, PIPELINE.stages[:1]), [row for page in pages for row in page]
        )
    except InvalidCriteria as error:
        return str(error)


@given(st.lists(st.lists(rows, max_size=12), max_size=4))
def test_pages_are_totalled_as_all_rows_at_once(pages: list[list[Row]]) -> None:
    expected, found = of_all(pages), of_pages(pages)
    if isinstance(expected, str):
        assert isinstance(found, str)
    else:
        assert found == expected


@pytest.mark.parametrize("weights", [[1e300, 1.0, -1e300], [0.1] * 10, [5e-324, -5e-324, 1.0], [1e16, 1.0, -1e16]])
def test_sums_of_floats_are_rounded_once(weights: list[float]) -> None:
    pages: list[list[Row]] = [[(1, None, 0, None, weight)] for weight in weights]
    assert of_pages(pages) == of_all(pages)


def test_too_many_groups_are_refused() -> None:
    pages: list[list[Row]] = [[(1, None, 0, stock, None)] for stock in range(4)]
    assert len(of_pages(pages, most=8)) == 4
    assert of_pages(pages, most=7) == "more than 7 groups, or values in them: match fewer rows"

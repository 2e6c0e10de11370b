"""Pipelines: mappings and stages say the same; columns are typed; orders are put in where none is asked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from headwater.errors import InvalidCriteria
from headwater.models.criteria import Order
from headwater.models.evaluate_pipeline import rounded_average
from headwater.models.expressions import field
from headwater.models.fields import Kind
from headwater.models.model import schema_of
from headwater.models.pipeline import Accumulator, Drop, Group, Limit, Match, Project, Skip, Sort, Stage, Unwind
from headwater.models.pipeline_binding import BoundSort, bind_pipeline
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.testing.conformance.products import Product

SCHEMA = schema_of(Product)
ONE = Accumulator("$sum", 1)


@pytest.mark.parametrize(
    ("mapping", "stage"),
    [
        ({"$match": {"stock": {"$gt": 1}}}, Match(field("stock") > 1)),
        ({"$group": {"_id": "$kind", "n": {"$sum": 1}}}, Group({"_id": "kind"}, {"n": ONE})),
        ({"$group": {"_id": None, "n": {"$sum": "$stock"}}}, Group({}, {"n": Accumulator("$sum", "stock")})),
        ({"$group": {"_id": {"k": "$kind"}, "n": {"$count": {}}}}, Group({"k": "kind"}, {"n": Accumulator("$count")})),
        ({"$sort": {"stock": -1, "id": 1}}, Sort((Order("stock", descending=True), Order("id")))),
        ({"$sort": "-stock"}, Sort((Order("stock", descending=True),))),
        ({"$limit": 0}, Limit(0)),
        ({"$skip": 5}, Skip(5)),
        ({"$project": {"id": 1, "cost": "$price", "_id": 0}}, Project({"id": "id", "cost": "price"})),
        ({"$project": {"id": True}}, Project({"id": "id"})),
        ({"$project": {"id": 0, "kind": 0}}, Drop(("id", "kind"))),
        ({"$unwind": "$tags"}, Unwind("tags")),
    ],
)
def test_a_mapping_says_what_a_stage_says(mapping: Mapping[str, object], stage: Stage) -> None:
    assert parse_pipeline([mapping]) == (stage,) == parse_pipeline([stage])


@pytest.mark.parametrize(
    "stage",
    [
        {},
        {"$match": {}, "$limit": 1},
        {"$lookup": {}},
        {"$match": "x"},
        {"$group": {"n": {"$sum": 1}}},
        {"$group": {"_id": 5}},
        {"$group": {"_id": {}}},
        {"$group": {"_id": {"_id": "$kind"}}},
        {"$group": {"_id": "kind"}},
        {"$group": {"_id": None, "n": 1}},
        {"$group": {"_id": None, "n": {"$sum": True}}},
        {"$group": {"_id": None, "n": {"$sum": 0.5}}},
        {"$group": {"_id": None, "n": {"$sum": 1, "$avg": 1}}},
        {"$group": {"_id": None, "n": {"$push": "$id"}}},
        {"$group": {"_id": None, "n": {"$count": "$id"}}},
        {"$project": {"id": 1, "kind": 0}},
        {"$project": {"id": 2}},
        {"$project": {"id": {"$toUpper": "$id"}}},
        {"$project": {}},
        {"$unwind": "tags"},
        {"$unwind": {"path": "$tags"}},
        {"$limit": True},
        {"$limit": "1"},
        {"$skip": -1},
        {"$sort": {"stock": 0}},
        "x",
    ],
)
def test_what_cannot_be_read_is_refused(stage: Mapping[str, object]) -> None:
    with pytest.raises(InvalidCriteria):
        bind_pipeline(parse_pipeline([stage]), SCHEMA)


def test_columns_are_typed_after_every_stage() -> None:
    pipeline = parse_pipeline(
        [
            {"$unwind": "$tags"},
            {
                "$group": {
                    "_id": {"tag": "$tags", "seen": "$seen"},
                    "sum": {"$sum": "$price"},
                    "mean": {"$avg": "$price"},
                    "stock": {"$avg": "$stock"},
                    "most": {"$max": "$price"},
                    "set": {"$addToSet": "$made"},
                }
            },
            {"$project": {"when": "$_id.seen", "_id": "$_id", "set": 1, "mean": 1}},
        ]
    )
    bound = bind_pipeline(pipeline, SCHEMA)
    described = [
        {name: (column.kind, column.scale, column.optional) for name, column in stage.columns.items()}
        for stage in bound.stages
    ]
    assert described[0]["tags"] == (Kind.TEXT, 0, False)
    assert described[1] == {
        "_id.tag": (Kind.TEXT, 0, False),
        "_id.seen": (Kind.DATETIME, 0, True),
        "sum": (Kind.DECIMAL, 2, False),
        "mean": (Kind.DECIMAL, 6, True),
        "stock": (Kind.REAL, 0, True),
        "most": (Kind.DECIMAL, 2, True),
        "set": (Kind.SET, 0, False),
    }
    assert list(described[2]) == ["when", "_id.tag", "_id.seen", "set", "mean"]


@pytest.mark.parametrize(
    ("stages", "orders"),
    [
        ([], [["id"]]),
        ([{"$match": {}}], [["id"]]),
        ([{"$limit": 1}], [["id"]]),
        ([{"$sort": {"kind": 1}}, {"$limit": 1}, {"$match": {}}], [["kind", "id"]]),
        ([{"$skip": 1}, {"$group": {"_id": "$kind"}}, {"$limit": 1}], [["id"], ["_id"]]),
        ([{"$project": {"kind": 1, "key": "$id"}}], [["key"]]),
        ([{"$project": {"kind": 1, "a": "$stock", "tags": 1}}], [["a", "kind"]]),
        ([{"$group": {"_id": "$kind", "Z": {"$sum": 1}}}, {"$sort": {"Z": -1}}], [["Z", "_id"]]),
    ],
)
def test_orders_are_total(stages: list[Mapping[str, object]], orders: list[list[str]]) -> None:
    bound = bind_pipeline(parse_pipeline(stages), SCHEMA)
    sorts = [stage for stage in bound.stages if isinstance(stage, BoundSort)]
    assert [[order.field.name for order in sort.orders] for sort in sorts] == orders


def test_averages_round_half_away_from_zero() -> None:
    assert [rounded_average(units, 20_000) for units in (1, -1, 2, 3, 0)] == [1, -1, 1, 2, 0]
    assert [rounded_average(units, 3) for units in (1, -1, 2)] == [3333, -3333, 6667]

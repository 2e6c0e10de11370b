"""Criteria: mappings and expressions say the same, and what says nothing is refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import InvalidCriteria, LimitExceeded
from headwater.models.binding import AnyOf, Comparison, Everything, IsNull, Negation, OneOf, bind
from headwater.models.criteria import All, And, Compare, Criteria, In, Not, Or
from headwater.models.criteria_parsing import parse_criteria
from headwater.models.expressions import field
from headwater.models.model import schema_of
from headwater.testing.conformance.products import Product

COLUMNS = schema_of(Product).fields


@pytest.mark.parametrize(
    ("mapping", "typed"),
    [
        (None, All()),
        ({}, All()),
        ({"kind": "k"}, field("kind") == "k"),
        ({"kind": None}, field("kind") == None),  # noqa: E711  # asks for null
        ({"kind": {"$eq": "k"}}, field("kind") == "k"),
        ({"kind": {"$ne": "k"}}, field("kind") != "k"),
        ({"stock": {"$gt": 1, "$lte": 5}}, (field("stock") > 1) & (field("stock") <= 5)),
        ({"stock": {"$gte": 1}}, 1 <= field("stock")),  # noqa: SIM300  # turned round by Python
        ({"stock": {"$lt": 1}}, field("stock") < 1),
        ({"stock": {"$in": [1, 2]}}, field("stock").in_([1, 2])),
        ({"stock": {"$nin": (1, 2)}}, field("stock").not_in([1, 2])),
        ({"stock": {"$not": {"$gt": 1}}}, ~(field("stock") > 1)),
        ({"tags": {"$contains": "a"}}, field("tags").contains("a")),
        ({"name": {"$startsWith": "a"}}, field("name").starts_with("a")),
        ({"kind": "k", "stock": 1, "id": "x"}, (field("kind") == "k") & (field("stock") == 1) & (field("id") == "x")),
        (
            {"$or": [{"stock": 1}, {"stock": 2}, {"stock": 3}]},
            (field("stock") == 1) | (field("stock") == 2) | (field("stock") == 3),
        ),
        ({"$and": [{"stock": 1}]}, field("stock") == 1),
        ({"$nor": [{"stock": 1}, {"stock": 2}]}, ~((field("stock") == 1) | (field("stock") == 2))),
        ({"$not": {"stock": 1}}, ~(field("stock") == 1)),
        ({"$or": [field("stock") == 1, {"kind": "k"}]}, (field("stock") == 1) | (field("kind") == "k")),
    ],
)
def test_a_mapping_says_what_an_expression_says(mapping: Mapping[str, object] | None, typed: Criteria) -> None:
    assert parse_criteria(mapping) == typed
    assert parse_criteria(typed) == typed


def test_keywords_join_criteria() -> None:
    assert parse_criteria({"kind": "k"}, {"stock": 1}) == (field("kind") == "k") & (field("stock") == 1)
    assert parse_criteria(None, {"stock": 1}) == Compare("stock", "==", 1)


@pytest.mark.parametrize(
    "criteria",
    [
        "name = 'x' OR 1=1",
        ["name"],
        5,
        {1: 2},
        {"$where": "1"},
        {"$or": []},
        {"$or": {"stock": 1}},
        {"$or": ["x"]},
        {"$and": None},
        {"stock": {}},
        {"stock": {"gt": 1}},
        {"stock": {"$gt": 1, "other": 2}},
        {"stock": {"$in": 1}},
        {"stock": {"$in": "12"}},
        {"name": {"$startsWith": 1}},
        {"stock": {"$not": 1, "$regex": "x"}},
        {"$not": 1},
    ],
)
def test_what_cannot_be_read_is_refused(criteria: Mapping[str, object]) -> None:
    with pytest.raises(InvalidCriteria):
        parse_criteria(criteria)


def test_depth_and_width_are_limited() -> None:
    deep: dict[str, object] = {"stock": 1}
    deep_field: dict[str, object] = {"$gt": 1}
    typed: Criteria = field("stock") == 1
    for _ in range(100_000):
        deep, deep_field, typed = {"$not": deep}, {"$not": deep_field}, Not(typed)
    for criteria in (deep, {"stock": deep_field}, typed):
        with pytest.raises(LimitExceeded):
            bind(parse_criteria(criteria), COLUMNS)
    while deep or deep_field or isinstance(typed, Not):  # taken apart level by level: the interpreter would recurse
        deep, deep_field = (each.get("$not") for each in (deep, deep_field))  # type: ignore[assignment]
        typed = typed.part if isinstance(typed, Not) else All()
    with pytest.raises(LimitExceeded):
        bind(In("stock", tuple(range(10_001))), COLUMNS)


def test_criteria_have_no_truth_value() -> None:
    with pytest.raises(InvalidCriteria, match="&"):
        _ = 1 < field("stock") < 5
    with pytest.raises(InvalidCriteria, match="&"):
        _ = (field("stock") > 1) and (field("stock") < 5)


def test_connectives_flatten_and_bind_as_written() -> None:
    a, b, c = (Compare("stock", "==", n) for n in (1, 2, 3))
    assert a & b & c == And((a, b, c)) == a & (b & c)
    assert (a | b) & c == And((Or((a, b)), c))


def test_the_bound_form_is_small() -> None:
    stock = COLUMNS["stock"]
    assert bind(All(), COLUMNS) == Everything()
    assert bind(Compare("stock", "!=", 1), COLUMNS) == Negation(Comparison(stock, "==", 1))
    assert bind(Compare("stock", "!=", None), COLUMNS) == Negation(IsNull(stock))
    assert bind(In("stock", (1, None, 1)), COLUMNS) == AnyOf((OneOf(stock, (1,)), IsNull(stock)))


@given(name=st.text() | st.sampled_from(["__class__", "id ", "ID", "price\0", "pr\u0456ce", "select", "x" * 300]))
def test_only_declared_fields_are_known(name: str) -> None:
    """Names with quotes, look-alikes and reserved words are unknown fields like any other."""
    if name in COLUMNS or name.startswith("$"):
        return
    with pytest.raises(InvalidCriteria):
        bind(parse_criteria({name: None}), COLUMNS)

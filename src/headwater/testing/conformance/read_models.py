"""The law of ReadModels: criteria, orders and limits mean one thing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from headwater.errors import InvalidCriteria, InvalidMessage, LimitExceeded
from headwater.models.criteria import Not
from headwater.models.criteria_parsing import parse_criteria
from headwater.ports.engine import Engine
from headwater.testing.conformance.products import Product, find_ids, store

__all__ = ["ReadModelsConformance"]

NOON = datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC)
TEXTS = ["", "A", "Z", "Zz", "a", "a%", "a\\", "a_b", "ab", "z", "é", "\ue000", "\U0001f600"]


class ReadModelsConformance:
    """Enrol with the fixture `engine`."""

    async def test_an_empty_model_has_no_rows(self, engine: Engine) -> None:
        await store(engine)
        assert await find_ids(engine) == []
        assert await engine.read_models.get(Product, "x") is None
        assert await engine.read_models.count(Product, parse_criteria(None)) == 0

    async def test_a_row_comes_back_as_it_was_written(self, engine: Engine) -> None:
        full = Product(
            id="full",
            kind="\U0001f600 “quoted” 'x' %_\\",
            price=Decimal("-92233720368547758.08"),
            stock=-(2**63),
            weight=0.1 + 0.2,
            listed=True,
            seen=NOON,
            made=date(1, 1, 1),
            maker=UUID(int=2**128 - 1),
            mark=b"\x00\xff",
            tags=["b", "", "\U0001f600", "b"],
            sizes=[3, -(2**63)],
            name="Füll",
            note="",
        )
        await store(engine, full, Product(id="bare"))
        assert await engine.read_models.get(Product, "full") == full
        assert await engine.read_models.get(Product, "bare") == Product(id="bare")
        found = await engine.read_models.get(Product, "full")
        assert found is not None
        assert str(found.price) == "-92233720368547758.08"
        assert found.seen is not None
        assert found.seen.utcoffset() == timedelta(0)

    async def test_a_time_is_one_instant_whatever_its_zone(self, engine: Engine) -> None:
        india = timezone(timedelta(hours=5, minutes=30))
        await store(
            engine, Product(id="x", seen=NOON.astimezone(india)), Product(id="old", seen=NOON.replace(year=1968))
        )
        assert await find_ids(engine, {"seen": NOON}) == ["x"]
        assert await find_ids(engine, {"seen": {"$lt": NOON.astimezone(india)}}) == ["old"]
        assert await find_ids(engine, {"seen": {"$gt": NOON - timedelta(microseconds=1)}}) == ["x"]

    async def test_each_kind_is_compared_by_its_value(self, engine: Engine) -> None:
        low: dict[str, object] = {
            "price": Decimal("-0.01"),
            "stock": -1,
            "weight": -0.5,
            "listed": False,
            "seen": NOON,
            "made": date(2024, 2, 28),
            "maker": UUID(int=1),
            "mark": b"\x01",
        }
        high: dict[str, object] = {
            "price": Decimal("10.00"),
            "stock": 10,
            "weight": 9.5,
            "listed": True,
            "seen": NOON + timedelta(microseconds=1),
            "made": date(2024, 2, 29),
            "maker": UUID(int=2**127),
            "mark": b"\x01\x00",
        }
        await store(engine, Product(id="low", **low), Product(id="high", **high))  # type: ignore[arg-type]
        for name, value in low.items():
            assert await find_ids(engine, {name: value}) == ["low"], name
            assert await find_ids(engine, {name: {"$gt": value}}) == ["high"], name
            assert await find_ids(engine, {name: {"$gte": value}}) == ["high", "low"], name
            assert await find_ids(engine, {name: {"$lt": high[name]}}) == ["low"], name
            assert await find_ids(engine, {name: {"$lte": high[name]}}) == ["high", "low"], name
            assert await find_ids(engine, {name: {"$in": [high[name], high[name]]}}) == ["high"], name

    @pytest.mark.parametrize(
        ("criteria", "found"),
        [
            ({}, "0n2"),
            ({"stock": None}, "n"),
            ({"stock": {"$ne": None}}, "02"),
            ({"stock": 0}, "0"),
            ({"stock": {"$ne": 0}}, "n2"),
            ({"stock": {"$gte": -9}}, "02"),
            ({"stock": {"$not": {"$gte": -9}}}, "n"),
            ({"stock": {"$lt": 9}}, "02"),
            ({"stock": {"$in": []}}, ""),
            ({"stock": {"$nin": []}}, "0n2"),
            ({"stock": {"$in": [None]}}, "n"),
            ({"stock": {"$in": [None, 2]}}, "n2"),
            ({"stock": {"$nin": [0]}}, "n2"),
            ({"stock": {"$nin": [None, 0]}}, "2"),
            ({"kind": {"$startsWith": ""}}, "0"),
            ({"kind": {"$not": {"$startsWith": ""}}}, "n2"),
            ({"tags": {"$contains": "a"}}, "02"),
            ({"tags": {"$not": {"$contains": "a"}}}, "n"),
            ({"sizes": {"$contains": 7}}, "2"),
            ({"sizes": {"$not": {"$contains": 7}}}, "0n"),
            ({"sizes": None}, "n"),
            ({"$or": [{"stock": 0}, {"stock": 2}]}, "02"),
            ({"$nor": [{"stock": 0}, {"stock": 2}]}, "n"),
            ({"$and": [{"stock": {"$gt": 0}}, {"tags": {"$contains": "a"}}]}, "2"),
            ({"$not": {"stock": 0, "tags": {"$contains": "a"}}}, "n2"),
            ({"stock": {"$gt": 0, "$lt": 2}}, ""),
            ({"id": {"$in": ["0", "2", "x"]}, "kind": None}, "2"),
        ],
    )
    async def test_every_operator_is_two_valued(self, engine: Engine, criteria: dict[str, object], found: str) -> None:
        rows = (
            Product(id="0", stock=0, kind="k", tags=["a", "b"], sizes=[]),
            Product(id="2", stock=2, tags=["a"], sizes=[70, 7]),
            Product(id="n"),
        )
        await store(engine, *rows)
        assert set(await find_ids(engine, criteria)) == set(found)
        parsed = parse_criteria(criteria)
        assert await engine.read_models.count(Product, parsed) == len(found)
        assert await engine.read_models.count(Product, Not(parsed)) == len(rows) - len(found)

    async def test_text_compares_by_code_point(self, engine: Engine) -> None:
        await store(engine, *[Product(id=f"{place:02}", kind=text) for place, text in enumerate(TEXTS)])
        in_order = [f"{place:02}" for place in range(len(TEXTS))]
        assert await find_ids(engine, order="kind") == in_order
        assert await find_ids(engine, order="-kind") == in_order[::-1]
        for place, text in enumerate(TEXTS):
            assert await find_ids(engine, {"kind": {"$lt": text}}, "kind") == in_order[:place]
            assert await find_ids(engine, {"kind": {"$gte": text}}, "kind") == in_order[place:]

    async def test_a_prefix_is_taken_literally(self, engine: Engine) -> None:
        await store(engine, *[Product(id=text or "none", kind=text) for text in TEXTS])
        assert await find_ids(engine, {"kind": {"$startsWith": "a"}}) == ["a", "a%", "a\\", "a_b", "ab"]
        assert await find_ids(engine, {"kind": {"$startsWith": "a%"}}) == ["a%"]
        assert await find_ids(engine, {"kind": {"$startsWith": "a_"}}) == ["a_b"]
        assert await find_ids(engine, {"kind": {"$startsWith": "\U0001f600"}}) == ["\U0001f600"]
        assert await find_ids(engine, {"kind": {"$startsWith": "Z"}}) == ["Z", "Zz"]

    async def test_null_is_smallest_and_ties_go_by_key(self, engine: Engine) -> None:
        await store(
            engine, *[Product(id=key, stock=stock) for key, stock in zip("dcbae", [1, None, 1, None, -5], strict=True)]
        )
        assert await find_ids(engine) == ["a", "b", "c", "d", "e"]
        assert await find_ids(engine, order="stock") == ["a", "c", "e", "b", "d"]
        assert await find_ids(engine, order="-stock") == ["b", "d", "e", "a", "c"]
        assert await find_ids(engine, order=["-stock", "-id"]) == ["d", "b", "e", "c", "a"]
        assert await find_ids(engine, order="-id", skip=1, limit=2) == ["d", "c"]

    async def test_limits_and_skips_at_their_bounds(self, engine: Engine) -> None:
        await store(engine, *[Product(id=key) for key in "abc"])
        assert await find_ids(engine, limit=0) == []
        assert await find_ids(engine, limit=1) == ["a"]
        assert await find_ids(engine, limit=3, skip=2) == ["c"]
        assert await find_ids(engine, skip=3) == []
        assert await find_ids(engine, limit=2**31) == ["a", "b", "c"]
        for limit in (-1, True, 1.0, "1"):
            with pytest.raises(InvalidCriteria):
                await find_ids(engine, limit=limit)  # type: ignore[arg-type]
            with pytest.raises(InvalidCriteria):
                await find_ids(engine, skip=limit)  # type: ignore[arg-type]
        with pytest.raises(LimitExceeded):
            await find_ids(engine, limit=10**10)

    @pytest.mark.parametrize(
        "criteria",
        [
            {"nothing": 1},
            {'id"; DROP TABLE events;--': 1},
            {"id": 1},
            {"price": 0.5},
            {"price": Decimal("0.001")},
            {"stock": True},
            {"stock": 2**63},
            {"stock": {"$gt": None}},
            {"seen": datetime(2024, 1, 1)},  # noqa: DTZ001  # the naive time is the point
            {"tags": ["a"]},
            {"tags": {"$gt": "a"}},
            {"tags": {"$contains": 1}},
            {"kind": {"$contains": "a"}},
            {"stock": {"$startsWith": "1"}},
        ],
    )
    async def test_what_does_not_fit_the_fields_is_refused(self, engine: Engine, criteria: dict[str, object]) -> None:
        await store(engine)
        with pytest.raises(InvalidCriteria):
            await find_ids(engine, criteria)
        with pytest.raises(InvalidCriteria):
            await engine.read_models.count(Product, parse_criteria(criteria))

    @pytest.mark.parametrize("order", ["nothing", "tags", 'id"; DROP TABLE events;--', ["stock", "-stock"]])
    async def test_an_order_by_what_has_none_is_refused(self, engine: Engine, order: str) -> None:
        await store(engine)
        with pytest.raises(InvalidCriteria):
            await find_ids(engine, order=order)

    async def test_a_key_of_another_kind_is_refused(self, engine: Engine) -> None:
        await store(engine)
        for key in (1, None, b"x", "\ud800", "\0"):
            with pytest.raises(InvalidMessage):
                await engine.read_models.get(Product, key)

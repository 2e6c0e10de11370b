"""The law of pipelines: every stage, exact sums, one order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from headwater.errors import InvalidCriteria, LimitExceeded
from headwater.ports.engine import Engine
from headwater.testing.conformance.products import Product, aggregate, store

__all__ = ["PipelinesConformance"]

SEEN = datetime(2024, 5, 5, tzinfo=UTC)
ROWS = (
    Product(id="a", kind="x", price=Decimal("0.10"), stock=1, weight=1.5, tags=["red", "big"], seen=SEEN),
    Product(id="b", kind="x", price=Decimal("0.20"), stock=None, listed=True, tags=["red"], sizes=[2, 1]),
    Product(id="c", kind=None, price=Decimal("-0.30"), stock=4, weight=-2.5, made=date(2024, 5, 5)),
    Product(id="d", kind="y", price=Decimal("0.05"), stock=-7, listed=True, tags=[]),
)


class PipelinesConformance:
    """Enrol with the fixture `engine`."""

    async def test_no_rows_make_no_groups(self, engine: Engine) -> None:
        await store(engine)
        assert await aggregate(engine, {"$group": {"_id": None, "n": {"$sum": 1}}}) == []
        assert await aggregate(engine) == []

    async def test_rows_without_a_stage_come_whole_by_key(self, engine: Engine) -> None:
        await store(engine, *reversed(ROWS))
        rows = await aggregate(engine, {"$project": {"id": 1, "price": 1}})
        assert rows == [{"id": row.id, "price": row.price} for row in ROWS]

    async def test_a_group_counts_and_null_is_a_value(self, engine: Engine) -> None:
        await store(engine, *ROWS)
        assert await aggregate(engine, {"$group": {"_id": "$kind", "count": {"$sum": 1}}}) == [
            {"_id": None, "count": 1},
            {"_id": "x", "count": 2},
            {"_id": "y", "count": 1},
        ]

    async def test_every_accumulator(self, engine: Engine) -> None:
        await store(engine, *ROWS)
        totals: dict[str, object] = {
            "n": {"$count": {}},
            "twos": {"$sum": 2},
            "price": {"$sum": "$price"},
            "stock": {"$sum": "$stock"},
            "weight": {"$sum": "$weight"},
            "mean_price": {"$avg": "$price"},
            "mean_stock": {"$avg": "$stock"},
            "least": {"$min": "$price"},
            "last": {"$max": "$seen"},
            "kinds": {"$addToSet": "$kind"},
            "prices": {"$addToSet": "$price"},
            "days": {"$addToSet": "$made"},
            "listed": {"$max": "$listed"},
        }
        (row,) = await aggregate(engine, {"$group": {"_id": None, **totals}})
        assert row == {
            "_id": None,
            "n": 4,
            "twos": 8,
            "price": Decimal("0.05"),
            "stock": -2,
            "weight": -1.0,
            "mean_price": Decimal("0.012500"),
            "mean_stock": -2 / 3,
            "least": Decimal("-0.30"),
            "last": SEEN,
            "kinds": ["x", "y"],
            "prices": [Decimal("-0.30"), Decimal("0.05"), Decimal("0.10"), Decimal("0.20")],
            "days": [date(2024, 5, 5)],
            "listed": True,
        }

    async def test_totals_of_nothing(self, engine: Engine) -> None:
        await store(engine, Product(id="a"))
        rows = await aggregate(
            engine,
            {
                "$group": {
                    "_id": "$kind",
                    "sum": {"$sum": "$stock"},
                    "weight": {"$sum": "$weight"},
                    "avg": {"$avg": "$stock"},
                    "min": {"$min": "$seen"},
                    "max": {"$max": "$made"},
                    "set": {"$addToSet": "$maker"},
                    "price": {"$sum": "$price"},
                }
            },
        )
        price = Decimal("0.00")
        assert rows == [
            {"_id": None, "sum": 0, "weight": 0.0, "avg": None, "min": None, "max": None, "set": [], "price": price}
        ]

    async def test_an_average_is_rounded_half_away_from_zero(self, engine: Engine) -> None:
        cents = [Decimal("0.01")] * 1 + [Decimal(0)] * 31_999  # 0.01 / 32,000 is 0.0000003125
        for sign in (1, -1):
            rows = [Product(id=f"{place:05}", price=sign * price) for place, price in enumerate(cents[:64])]
            await store(engine, *rows)  # 0.01 / 64 is 0.00015625
            (row,) = await aggregate(engine, {"$group": {"_id": None, "mean": {"$avg": "$price"}}})
            assert row == {"_id": None, "mean": sign * Decimal("0.000156")}
            await store(engine, *[Product(id=f"{place:05}", price=sign * Decimal("0.01")) for place in range(2)])
            (row,) = await aggregate(
                engine, {"$limit": 16}, {"$group": {"_id": None, "mean": {"$avg": "$price"}}}
            )  # 0.02 / 16 is 0.00125
            assert row == {"_id": None, "mean": sign * Decimal("0.001250")}

    async def test_a_sum_is_exact_to_64_bits_and_refused_beyond(self, engine: Engine) -> None:
        most = Decimal(2**63 - 1).scaleb(-2)
        await store(engine, Product(id="a", price=most), Product(id="b", price=-most), Product(id="c", price=most))
        total: dict[str, object] = {"$group": {"_id": None, "sum": {"$sum": "$price"}}}
        (row,) = await aggregate(engine, total)
        assert row == {"_id": None, "sum": most}
        await store(engine, Product(id="d", price=Decimal("0.01")))
        with pytest.raises(InvalidCriteria):
            await aggregate(engine, total)

    async def test_groups_by_several_fields_nest(self, engine: Engine) -> None:
        await store(engine, *ROWS)
        by: dict[str, object] = {"$group": {"_id": {"k": "$kind", "l": "$listed"}, "n": {"$sum": 1}}}
        nested = [(None, False), ("x", False), ("x", True), ("y", True)]
        assert await aggregate(engine, by) == [{"_id": {"k": k, "l": listed}, "n": 1} for k, listed in nested]
        flat = await aggregate(engine, by, {"$sort": {"_id.k": -1}}, {"$project": {"kind": "$_id.k", "n": 1}})
        assert flat == [{"kind": kind, "n": 1} for kind in ("y", "x", "x", None)]
        assert await aggregate(engine, by, {"$match": {"_id.k": "y"}}, {"$project": {"_id": 0}}) == [{"n": 1}]

    async def test_unwind_gives_a_row_per_item(self, engine: Engine) -> None:
        await store(engine, *ROWS)
        count: dict[str, object] = {"$group": {"_id": "$tags", "n": {"$sum": 1}}}
        assert await aggregate(engine, {"$unwind": "$tags"}, count, {"$sort": {"n": -1}}) == [
            {"_id": "red", "n": 2},
            {"_id": "big", "n": 1},
        ]
        sizes = await aggregate(engine, {"$unwind": "$sizes"}, {"$project": {"id": 1, "sizes": 1}})
        assert sizes == [{"id": "b", "sizes": 1}, {"id": "b", "sizes": 2}]

    async def test_sets_can_be_unwound_again(self, engine: Engine) -> None:
        await store(engine, *ROWS)
        prices: dict[str, object] = {"$group": {"_id": "$kind", "p": {"$addToSet": "$price"}}}
        rows = await aggregate(engine, prices, {"$unwind": "$p"}, {"$project": {"p": 1}}, {"$sort": {"p": -1}})
        assert rows == [{"p": Decimal(cents).scaleb(-2)} for cents in (20, 10, 5, -30)]

    async def test_stages_follow_each_other(self, engine: Engine) -> None:
        await store(engine, *ROWS)
        assert await aggregate(
            engine,
            {"$match": {"price": {"$gt": Decimal("-0.10")}}},
            {"$sort": {"price": -1}},
            {"$skip": 1},
            {"$limit": 2},
            {"$project": {"id": 1, "cost": "$price"}},
            {"$match": {"cost": {"$lt": Decimal("0.07")}}},
        ) == [{"id": "d", "cost": Decimal("0.05")}]
        assert await aggregate(engine, {"$limit": 0}) == []
        assert await aggregate(engine, {"$skip": 4}) == []

    async def test_an_order_outlives_projections_and_ties_are_broken(self, engine: Engine) -> None:
        await store(engine, *ROWS)
        rows = await aggregate(engine, {"$sort": {"listed": -1}}, {"$project": {"id": 1}})
        assert rows == [{"id": key} for key in "bdac"]
        rows = await aggregate(engine, {"$project": {"listed": 1, "stock": 1}}, {"$sort": {"listed": 1}})
        assert rows == [
            {"listed": listed, "stock": stock} for listed, stock in ((False, 1), (False, 4), (True, None), (True, -7))
        ]

    @pytest.mark.parametrize(
        "stage",
        [
            {"$group": {"_id": "$nothing"}},
            {"$group": {"_id": "$tags"}},
            {"$group": {"_id": None, "n": {"$sum": "$kind"}}},
            {"$group": {"_id": None, "n": {"$avg": "$seen"}}},
            {"$group": {"_id": None, "n": {"$min": "$tags"}}},
            {"$group": {"_id": None, 'x"; DROP TABLE events;--': {"$sum": 1}}},
            {"$group": {"_id": {"a.b": "$kind"}}},
            {"$project": {'x"': "$kind"}},
            {"$project": {"id": 0, "nothing": 0}},
            {"$sort": {"tags": 1}},
            {"$match": {"nothing": 1}},
            {"$unwind": "$kind"},
            {"$limit": -1},
        ],
    )
    async def test_what_the_columns_do_not_allow_is_refused(self, engine: Engine, stage: dict[str, object]) -> None:
        await store(engine)
        with pytest.raises(InvalidCriteria):
            await aggregate(engine, stage)

    async def test_too_many_stages_are_refused(self, engine: Engine) -> None:
        await store(engine)
        with pytest.raises(LimitExceeded):
            await aggregate(engine, *[dict[str, object]({"$skip": 0})] * 33)

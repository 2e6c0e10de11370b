"""The law of changes: what each does to a row, and that many are written as one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

import pytest

from headwater.errors import HeadwaterError, InvalidMessage
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert, apply
from headwater.ports.engine import Engine
from headwater.testing.conformance.products import Product, find_ids, store

__all__ = ["RowChangesConformance"]

ROW = Product(id="x", kind="k", price=Decimal("1.10"), stock=5, tags=["a"], name="Anna", note="n")
OTHER = Product(id="x", stock=1)
EARLY, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)


def accumulated(missing: Product = Product(id="x"), **parts: dict[str, object]) -> Accumulate:  # noqa: B008  # frozen
    return Accumulate(Product, "x", missing, **parts)


CHANGES: list[Change] = [
    Insert(ROW),
    Insert(OTHER),
    Update(Product, "x", {"stock": None, "tags": ["b", "c"]}),
    Update(Product, "x", {"name": "Bert"}),
    Update(Product, "x", {}),
    Upsert(Product, "x", {"kind": "u"}, Product(id="x", kind="u", stock=9)),
    Delete(Product, "x"),
    accumulated(add={"price": Decimal("-0.30")}),
    accumulated(add={"price": 2}, max={"seen": LATE, "weight": 1.5}, min={"made": EARLY.date()}),
    accumulated(max={"seen": EARLY, "weight": 2.5}, min={"stock": 3}),
    accumulated(Product(id="x", price=Decimal("7.00")), add={"price": Decimal("0.01")}),
]


class RowChangesConformance:
    """Enrol with the fixture `engine`."""

    @pytest.mark.parametrize("before", [None, ROW, OTHER], ids=["missing", "full", "bare"])
    @pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
    async def test_a_change_means_what_apply_says(self, engine: Engine, before: Product | None, change: Change) -> None:
        await store(engine, *([] if before is None else [before]), Product(id="y"))
        await engine.projections.write([change])
        assert await engine.read_models.get(Product, "x") == apply(change, before)
        assert await engine.read_models.get(Product, "y") == Product(id="y")

    @pytest.mark.parametrize("first", CHANGES, ids=lambda change: type(change).__name__)
    @pytest.mark.parametrize("second", CHANGES, ids=lambda change: type(change).__name__)
    async def test_changes_of_one_write_follow_each_other(self, engine: Engine, first: Change, second: Change) -> None:
        await store(engine, ROW)
        await engine.projections.write([first, second])
        assert await engine.read_models.get(Product, "x") == apply(second, apply(first, ROW))

    async def test_an_insert_replaces_the_whole_row(self, engine: Engine) -> None:
        await store(engine, ROW)
        await engine.projections.write([Insert(OTHER)])
        assert await engine.read_models.get(Product, "x") == OTHER
        assert await engine.read_models.search(Product, ["name"], ["anna"], 10) == []

    async def test_nothing_is_written_where_one_change_does_not_fit(self, engine: Engine) -> None:
        await store(engine, ROW)
        wrong: list[Change] = [
            Insert(Product(id="z", stock=cast("int", "many"))),
            Update(Product, "x", {"price": Decimal("0.001")}),
            accumulated(Product(id="x", stock=1), add={"stock": 2**63 - 1}),
        ]
        for change in wrong:
            with pytest.raises(InvalidMessage):
                await engine.projections.write([Insert(Product(id="new")), Delete(Product, "x"), change])
            with pytest.raises(InvalidMessage):
                await engine.projections.write([Insert(Product(id="new")), Update(Product, "x", {"stock": 9}), change])
            assert await find_ids(engine) == ["x"]
            assert await engine.read_models.get(Product, "x") == ROW

    async def test_sums_stay_exact(self, engine: Engine) -> None:
        await store(engine)
        for cents in [Decimal("0.10"), Decimal("0.20"), Decimal("-0.30"), Decimal("0.07")] * 25:
            await engine.projections.write([accumulated(add={"price": cents})])
        row = await engine.read_models.get(Product, "x")
        assert row is not None
        assert str(row.price) == "1.75"

    async def test_a_model_nobody_declared_is_refused(self, engine: Engine) -> None:
        for read in (engine.projections.write([Insert(ROW)]), engine.read_models.get(Product, "x")):
            with pytest.raises(HeadwaterError):
                await read

"""The law of ReadModelSchema: tables follow their classes, and rows stay."""

from __future__ import annotations

from headwater.models.criteria import Order
from headwater.ports.engine import Engine
from headwater.testing.conformance.commits import reset_of
from headwater.testing.conformance.products import Product, find_ids, store

__all__ = ["ReadModelSchemaConformance"]


class ReadModelSchemaConformance:
    """Enrol with the fixture `engine`."""

    async def test_ensuring_again_keeps_the_rows(self, engine: Engine) -> None:
        await store(engine, Product(id="a", name="kept"))
        await engine.read_model_schema.ensure([Product])
        await engine.read_model_schema.ensure([Product, Product])
        await engine.read_model_schema.ensure([])
        assert await find_ids(engine) == ["a"]
        assert len(await engine.read_models.search(Product, ["name"], ["kept"], 10)) == 1

    async def test_a_reset_empties_and_what_is_written_then_is_found(self, engine: Engine) -> None:
        await store(engine, Product(id="a", name="gone", kind="k"))
        await engine.projections.reset(reset_of(1, Product, projection="products"))
        assert await find_ids(engine) == []
        assert await find_ids(engine, {"kind": "k"}) == []
        assert await engine.read_models.search(Product, ["name"], ["gone"], 10) == []
        await store(engine, Product(id="b", kind="k"))
        assert await find_ids(engine, {"kind": "k"}) == ["b"]

    async def test_added_indexes_change_no_answer(self, engine: Engine) -> None:
        rows = [Product(id=f"{n}", stock=n % 3 or None, kind="k" if n % 2 else None) for n in range(9)]
        await store(engine, *rows[:5])
        for _ in range(2):
            await engine.read_model_schema.index(
                Product, [(Order("stock"),), (Order("kind"), Order("stock", descending=True))]
            )
        await store(engine, *rows[5:])
        await engine.read_model_schema.ensure([Product])
        assert await find_ids(engine, {"stock": 1}) == ["1", "4", "7"]
        assert await find_ids(engine, {"stock": None}) == ["0", "3", "6"]
        assert await find_ids(engine, {"kind": "k"}, ["kind", "-stock"]) == ["5", "1", "7", "3"]
        await store(engine, Product(id="1", stock=2))
        assert await find_ids(engine, {"stock": 1}) == ["4", "7"]

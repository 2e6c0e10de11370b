"""ReadModelStore: models by name, rows and criteria as mappings, options that do what they say or are refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from headwater.engines.memory.read_model_schema import MemoryReadModelSchema
from headwater.engines.memory.state import State
from headwater.errors import (
    BadDeclaration,
    DuplicateName,
    HeadwaterError,
    InvalidCriteria,
    InvalidIdentifier,
    InvalidMessage,
    UnknownName,
)
from headwater.models.criteria import Order
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import Engine, EngineOptions, Identity
from headwater.read_models.store import ReadModelStore
from headwater.testing.conformance.products import Product

IDENTITY = Identity("store", b"secret")
TABLE = "conformance_product"


class Plain(ReadModel):
    id: Key[str]
    stock: int = 0


async def test_the_seed_by_names(engine: Engine) -> None:
    async with ReadModelStore.over(engine, IDENTITY, [Product, Plain]) as store:
        await store.insert(TABLE, {"id": "a", "name": "John Smith", "kind": "active"})
        await store.insert(Product, {"id": "b", "name": "Ann", "kind": "active"})
        await store.insert(Product(id="c", name="Joan", note="john@example.com"))
        await store.update(TABLE, {"id": "b"}, {"kind": "inactive", "stock": 1})
        await store.update(Product, "a", stock=2)
        await store.upsert("Product", {"id": "d"}, {"stock": 4})
        await store.delete(TABLE, {"id": "d"})
        a, b, c = await store.find(Product)
        assert (a.stock, b.kind, b.stock, c.kind) == (2, "inactive", 1, None)
        assert await store.find_one(TABLE, {"id": "a"}) == a
        assert await store.get("Product", "a") == a == await store.get(TABLE, {"id": "a"})
        assert await store.find(TABLE, {"kind": {"$in": ["active", "inactive"]}}, order_by="-stock") == [a, b]
        assert await store.search(TABLE, {"fields": ["name", "note"], "query": "JOHN", "limit": 50}) == [a, c]
        assert await store.search(TABLE, "john", ["name"], limit=1) == [a]
        counts = await store.aggregate(TABLE, [{"$group": {"_id": "$kind", "count": {"$sum": 1}}}])
        assert counts == [{"_id": kind, "count": 1} for kind in (None, "active", "inactive")]
        assert (await store.count(TABLE), await store.exists(TABLE, kind="x")) == (3, False)
        assert (await store.page(TABLE, size=2)).items == [a, b]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ('x"; DROP TABLE events;--', InvalidIdentifier),
        ("x' OR 1=1", InvalidIdentifier),
        (") IF NOT EXISTS", InvalidIdentifier),
        ("", InvalidIdentifier),
        ("x" * 300, InvalidIdentifier),
        ("pl\u0430in", InvalidIdentifier),
        ("\ud800", InvalidIdentifier),
        (5, InvalidIdentifier),
        ("select", UnknownName),
        ("events", UnknownName),
        ("PLAIN", UnknownName),
    ],
)
async def test_no_other_name_reaches_the_engine(engine: Engine, name: str, error: type[HeadwaterError]) -> None:
    async with ReadModelStore.over(engine, IDENTITY, [Plain]) as store:
        for call in (
            store.find(name),
            store.get(name, "a"),
            store.count(name),
            store.insert(name, {"id": "a"}),
            store.update(name, "a", {"stock": 1}),
            store.delete(name, "a"),
            store.search(name, "x"),
            store.aggregate(name, []),
        ):
            with pytest.raises(error):
                await call
        with pytest.raises(InvalidCriteria):
            await store.find(Plain, {name: 1})
        with pytest.raises(InvalidCriteria):
            await store.find(Plain, order_by=name)
        if isinstance(name, str):
            with pytest.raises(InvalidMessage):
                await store.insert(Plain, {"id": "a", name: 1})
        assert await store.count(Plain) == 0


async def test_a_write_names_one_row(engine: Engine) -> None:
    async with ReadModelStore.over(engine, IDENTITY, [Plain]) as store:
        for key in ({"stock": 1}, {}, {"id": "a", "stock": 1}):
            with pytest.raises(InvalidCriteria):
                await store.update(Plain, key, {"stock": 2})
            with pytest.raises(InvalidCriteria):
                await store.delete(Plain, key)
        for wrong in (store.insert(Plain), store.insert("plain", None), store.insert(Plain(id="a"), {"id": "a"})):
            with pytest.raises(InvalidMessage):
                await wrong
        with pytest.raises(InvalidCriteria):
            await store.search(Plain, {"text": "x"})


class Indexes(MemoryReadModelSchema):
    """Remembers the indexes asked for."""

    def __init__(self) -> None:
        state = State(1, EngineOptions())
        state.is_open = True
        super().__init__(state)
        self.asked: list[tuple[type[ReadModel], list[tuple[Order, ...]]]] = []

    async def index(self, model: type[ReadModel], orders: Sequence[tuple[Order, ...]]) -> None:
        self.asked.append((model, list(orders)))
        await super().index(model, orders)


async def test_indexing_and_denormalization_reach_the_schema(engine: Engine) -> None:
    schema = Indexes()
    store = ReadModelStore(
        engine.read_models,
        engine.projections,
        schema,
        [Product, Plain],
        identity=IDENTITY,
        indexing={TABLE: ["stock", "seen"], "Plain": ["stock"]},
        denormalization={TABLE: [("kind", "-seen")]},
    )
    await store.initialize()
    assert schema.asked == [
        (Product, [(Order("stock"),), (Order("seen"),)]),
        (Plain, [(Order("stock"),)]),
        (Product, [(Order("kind"), Order("seen", descending=True))]),
    ]


def test_options_that_can_do_nothing_are_refused(engine: Engine) -> None:
    ReadModelStore.over(engine, IDENTITY, [Product, Plain], denormalization=True)
    with pytest.raises(BadDeclaration):
        ReadModelStore.over(engine, IDENTITY, [Plain], denormalization=True)
    with pytest.raises(BadDeclaration):
        ReadModelStore.over(engine, IDENTITY, [Plain], indexing={"plain": ["nothing"]})
    with pytest.raises(UnknownName):
        ReadModelStore.over(engine, IDENTITY, [Plain], indexing={"nothing": ["id"]})
    for caching in ({"stategy": "read-through"}, {"strategy": "magic"}, {"ttl": 0}, {"size": 0}, {"ttl": "1"}):
        with pytest.raises(BadDeclaration):
            ReadModelStore.over(engine, IDENTITY, [Plain], caching=caching)
    assert ReadModelStore.over(engine, IDENTITY, [Plain], caching={"enabled": False}).cache is None


def test_two_models_of_one_name_are_refused(engine: Engine) -> None:
    class Again(ReadModel, table="plain"):
        id: Key[str]

    with pytest.raises(DuplicateName):
        ReadModelStore.over(engine, IDENTITY, [Plain, Again])

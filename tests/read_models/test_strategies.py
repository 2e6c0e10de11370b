"""With any cache, a store answers as without one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.engines.memory.engine import MemoryEngine
from headwater.read_models.caching import RowCaching, Strategy
from headwater.read_models.store import ReadModelStore
from headwater.testing.conformance.products import Product

KEYS = st.sampled_from("abc")
STOCK = st.none() | st.integers(0, 3)
STEPS = st.one_of(
    st.tuples(st.just("insert"), KEYS, STOCK),
    st.tuples(st.just("update"), KEYS, STOCK),
    st.tuples(st.just("upsert"), KEYS, STOCK),
    st.tuples(st.just("delete"), KEYS, STOCK),
    st.tuples(st.just("add"), KEYS, STOCK),
    st.tuples(st.just("get"), KEYS, STOCK),
)


async def step(store: ReadModelStore, name: str, key: str, stock: int | None) -> object:
    """What one call answers; None for a write."""
    match name:
        case "insert":
            await store.insert(Product(id=key, stock=stock))
        case "update":
            await store.update(Product, key, stock=stock)
        case "upsert":
            await store.upsert(Product, key, stock=stock)
        case "delete":
            await store.delete(Product, key)
        case "add":
            await store.add(Product, key, price=Decimal("0.10"))
        case _:
            return await store.find_one(Product, id=key), await store.find(Product, {"stock": stock}, order_by="-price")
    return None


@pytest.mark.parametrize("strategy", ["read-through", "write-through", "write-behind"])
@given(steps=st.lists(STEPS, max_size=25), size=st.integers(1, 3), capacity=st.integers(1, 5))
@settings(max_examples=60)
async def test_a_cached_store_answers_as_one_without(
    strategy: Strategy, steps: list[tuple[str, str, int | None]], size: int, capacity: int
) -> None:
    engines = MemoryEngine(), MemoryEngine()
    identities = [await engine.open() for engine in engines]
    caching = RowCaching(strategy=strategy, size=size, capacity=capacity, flush_interval=3600)
    plain = ReadModelStore.over(engines[0], identities[0], [Product])
    cached = ReadModelStore.over(engines[1], identities[1], [Product], caching=caching)
    async with plain, cached:
        for name, key, stock in steps:
            assert await step(cached, name, key, stock) == await step(plain, name, key, stock)
    for key in "abc":
        rows = [await engine.read_models.get(Product, key) for engine in engines]
        assert rows[0] == rows[1]

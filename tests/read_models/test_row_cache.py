"""RowCache: counted hits, one read for many, and never an older row than was written through it."""

from __future__ import annotations

import asyncio

import pytest

from headwater.errors import StoreBusy
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update
from headwater.ports.engine import Engine
from headwater.read_models.row_cache import RowCache
from headwater.testing.clock import ManualClock
from headwater.testing.conformance.products import Product, store
from tests.read_models.gated import Gated

ROW = Product(id="a", stock=1, tags=["x"])
WHOLE = (Insert(Product(id="a", stock=5)), Update(Product, "a", {"stock": 5}), Delete(Product, "a"))
ADD = Accumulate(Product, "a", Product(id="a"), add={"price": 1})


class Cached:
    def __init__(self, engine: Engine, keeps_writes: bool = True, size: int = 10) -> None:
        self.clock = ManualClock()
        self.under = Gated(engine)
        self.cache = RowCache(
            self.under, self.under, seconds=10, size=size, keeps_writes=keeps_writes, clock=self.clock
        )

    async def get(self, key: str = "a") -> Product | None:
        return await self.cache.get(Product, key)


async def test_a_row_is_read_once_until_it_is_old(engine: Engine) -> None:
    await store(engine, ROW)
    cached = Cached(engine)
    for _ in range(3):
        assert await cached.get() == ROW
    assert (cached.under.reads, cached.cache.hits, cached.cache.misses) == (1, 2, 1)
    await engine.projections.write([Update(Product, "a", {"stock": 2})])
    cached.clock.advance(9.999999)
    assert await cached.get() == ROW
    cached.clock.advance(0.000001)
    assert await cached.get() == Product(id="a", stock=2, tags=["x"])


async def test_the_least_used_row_goes_first_and_no_row_is_not_kept(engine: Engine) -> None:
    await store(engine, *[Product(id=key) for key in "abc"])
    cached = Cached(engine, size=2)
    for key in "abacacabx":
        await cached.get(key)
    assert cached.under.reads == 5  # a, b, c, b again, x
    await cached.get("x")
    assert cached.under.reads == 6


async def test_what_a_caller_does_to_a_row_stays_with_the_caller(engine: Engine) -> None:
    await store(engine, ROW)
    cached = Cached(engine)
    for _ in range(2):
        row = await cached.get()
        assert row is not None
        assert row.tags == ["x"]
        row.tags.append("mine")


async def test_many_who_ask_at_once_make_one_read(engine: Engine) -> None:
    await store(engine, ROW)
    cached = Cached(engine)
    cached.under.gate.clear()
    asking = [asyncio.create_task(cached.get()) for _ in range(5)]
    await cached.under.held(1)
    asking[0].cancel()
    cached.under.gate.set()
    assert await asyncio.gather(*asking[1:]) == [ROW] * 4
    assert cached.under.reads == 1


@pytest.mark.parametrize("keeps_writes", [True, False])
@pytest.mark.parametrize(
    "change", [Insert(Product(id="a", stock=5)), Update(Product, "a", {"stock": 5}), Delete(Product, "a"), ADD]
)
async def test_a_write_is_seen_at_once(engine: Engine, keeps_writes: bool, change: Change) -> None:
    await store(engine, ROW)
    cached = Cached(engine, keeps_writes)
    await cached.get()
    await cached.cache.write([change])
    assert await cached.get() == await engine.read_models.get(Product, "a")
    kept = keeps_writes and not isinstance(change, Delete)
    assert cached.under.reads == (1 if kept else 2)


async def test_a_read_that_a_write_overtook_is_not_kept(engine: Engine) -> None:
    await store(engine, ROW)
    cached = Cached(engine, keeps_writes=False)
    cached.under.gate.clear()
    slow = asyncio.create_task(cached.get())
    await cached.under.held(1)  # it has read, and not answered
    write = asyncio.create_task(cached.cache.write([Update(Product, "a", {"stock": 2})]))
    await cached.under.held(2)
    during = asyncio.create_task(cached.get())
    await cached.under.held(3)
    cached.under.gate.set()
    await asyncio.gather(slow, write, during)
    row = await cached.get()
    assert row is not None
    assert row.stock == 2


async def test_what_is_read_while_a_write_is_under_way_is_not_kept(engine: Engine) -> None:
    await store(engine, ROW)
    cached = Cached(engine, keeps_writes=False)
    cached.under.early = {"write"}
    cached.under.gate.clear()
    write = asyncio.create_task(cached.cache.write([ADD]))
    await cached.under.held(1)  # it has not reached the store
    during = asyncio.create_task(cached.get())
    await cached.under.held(2)  # it has read the row from before
    cached.under.gate.set()
    await asyncio.gather(write, during)
    row = await cached.get()
    assert row is not None
    assert row.price == 1


async def test_after_overlapping_writes_the_store_is_asked(engine: Engine) -> None:
    await store(engine, ROW)
    cached = Cached(engine)
    cached.under.gate.clear()
    writes = [asyncio.create_task(cached.cache.write([Insert(Product(id="a", stock=n))])) for n in (7, 8)]
    await cached.under.held(2)
    cached.under.gate.set()
    await asyncio.gather(*writes)
    assert await cached.get() == await engine.read_models.get(Product, "a")
    assert cached.under.reads == 1


async def test_after_a_failed_or_cancelled_write_the_store_is_asked(engine: Engine) -> None:
    await store(engine, ROW)
    cached = Cached(engine)
    await cached.get()
    cached.under.error = StoreBusy("full")
    with pytest.raises(StoreBusy):
        await cached.cache.write([Insert(Product(id="a", stock=9))])
    assert await cached.get() == ROW
    cached.under.error = None
    cached.under.gate.clear()
    write = asyncio.create_task(cached.cache.write([Insert(Product(id="a", stock=9))]))
    await cached.under.held(1)
    write.cancel()
    await asyncio.wait([write])
    cached.under.gate.set()
    row = await cached.get()
    assert row is not None
    assert row.stock == 9


async def test_what_others_wrote_can_be_forgotten(engine: Engine) -> None:
    await store(engine, ROW, Product(id="b"))
    cached = Cached(engine)
    await cached.get("a")
    await cached.get("b")
    change = Update(Product, "a", {"stock": 2})
    await engine.projections.write([change])
    cached.cache.forget([change])
    row = await cached.get()
    assert row is not None
    assert (row.stock, cached.under.reads) == (2, 3)
    cached.cache.clear()
    await cached.get("b")
    assert cached.under.reads == 4

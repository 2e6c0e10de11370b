"""WriteBehind: read at once, written later, lost by no flush that fails."""

from __future__ import annotations

import asyncio

import pytest

from headwater.errors import StoreBusy, StoreClosed
from headwater.models.changes import Accumulate, Delete, Insert, Update
from headwater.models.criteria_parsing import parse_criteria
from headwater.models.selection import Selection
from headwater.ports.engine import Engine
from headwater.read_models.write_behind import WriteBehind
from headwater.testing.conformance.products import Product, find_ids, store
from tests.read_models.gated import Gated

ADD = Accumulate(Product, "a", Product(id="a"), add={"price": 1})


def behind(under: Gated, seconds: float = 3600, capacity: int = 100) -> WriteBehind:
    buffer = WriteBehind(under, under, seconds=seconds, capacity=capacity)
    buffer.start()
    return buffer


async def test_writes_are_read_before_they_are_written(engine: Engine) -> None:
    await store(engine, Product(id="b", stock=1, name="Bert"))
    under = Gated(engine)
    buffer = behind(under)
    await buffer.write([Insert(Product(id="a", name="Anna")), Update(Product, "b", {"stock": 2}), ADD])
    row = await buffer.get(Product, "a")
    assert row is not None
    assert row.price == 1
    assert not under.writes
    assert [row.id for row in await buffer.find(Product, Selection())] == ["a", "b"]
    assert await buffer.count(Product, parse_criteria({"stock": 2})) == 1
    assert len(await buffer.search(Product, ["name"], ["an"], 5)) == 1
    assert len(await buffer.aggregate(Product, ())) == 2
    assert await find_ids(engine) == ["b"]
    await buffer.stop()
    assert await find_ids(engine) == ["a", "b"]
    assert len(under.writes) == 1
    with pytest.raises(StoreClosed):
        await buffer.write([ADD])


async def test_a_full_buffer_is_flushed_first(engine: Engine) -> None:
    await store(engine)
    under = Gated(engine)
    buffer = behind(under, capacity=2)
    for key in "abcde":
        await buffer.write([Insert(Product(id=key))])
    assert await find_ids(engine) == ["a", "b", "c", "d"]
    await buffer.write([Insert(Product(id=key)) for key in "xyz"])  # larger than the buffer, and whole
    assert await find_ids(engine) == ["a", "b", "c", "d", "e"]
    await buffer.stop()
    assert len(await find_ids(engine)) == 8


async def test_a_write_that_waits_for_room_while_it_stops_is_refused(engine: Engine) -> None:
    await store(engine)
    under = Gated(engine)
    buffer = behind(under, capacity=1)
    await buffer.write([Insert(Product(id="a"))])
    under.gate.clear()
    late = asyncio.create_task(buffer.write([Insert(Product(id="b"))]))
    await under.held(1)
    stopping = asyncio.create_task(buffer.stop())
    await asyncio.sleep(0)
    under.gate.set()
    await stopping
    with pytest.raises(StoreClosed):
        await late
    assert await find_ids(engine) == ["a"]


async def test_a_stop_that_is_cancelled_says_so_and_loses_nothing(engine: Engine) -> None:
    await store(engine)
    buffer = behind(Gated(engine))
    await buffer.write([Insert(Product(id="a"))])
    stopping = asyncio.create_task(buffer.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert await find_ids(engine) == ["a"]


async def test_it_flushes_by_itself(engine: Engine) -> None:
    await store(engine)
    under = Gated(engine)
    under.gate.clear()
    buffer = behind(under, seconds=0.001)
    await buffer.write([Insert(Product(id="a"))])
    await under.held(1)
    assert await find_ids(engine) == ["a"]
    under.gate.set()
    await buffer.stop()


async def test_a_read_during_a_flush_sees_each_change_once(engine: Engine) -> None:
    await store(engine, Product(id="a"))
    under = Gated(engine)
    buffer = behind(under)
    await buffer.write([ADD])
    under.gate.clear()
    early = asyncio.create_task(buffer.get(Product, "a"))
    await under.held(1)  # it has read the store from before the flush
    flush = asyncio.create_task(buffer.flush())
    await under.held(2)
    late = asyncio.create_task(buffer.get(Product, "a"))
    under.gate.set()
    rows = await asyncio.gather(early, late)
    await flush
    assert [row.price for row in rows if row is not None] == [1, 1]
    await buffer.stop()


async def test_a_read_that_a_flush_overtook_is_made_again(engine: Engine) -> None:
    await store(engine, Product(id="a"))
    under = Gated(engine)
    buffer = behind(under)
    await buffer.write([ADD])
    under.early = {"read"}
    under.gate.clear()
    read = asyncio.create_task(buffer.get(Product, "a"))
    await under.held(1)  # it has the pending changes, and has not read the store
    flush = asyncio.create_task(buffer.flush())
    await under.held(2)  # the store has them too
    under.gate.set()
    row = await read
    await flush
    assert row is not None
    assert row.price == 1
    await buffer.stop()


async def test_a_flush_that_fails_keeps_its_changes(engine: Engine) -> None:
    await store(engine)
    under = Gated(engine)
    buffer = behind(under, capacity=1)
    await buffer.write([Insert(Product(id="a"))])
    under.error = StoreBusy("full")
    with pytest.raises(StoreBusy):
        await buffer.write([Insert(Product(id="b"))])  # refused, not half taken
    with pytest.raises(StoreBusy):
        await buffer.stop()
    assert await buffer.get(Product, "a") == Product(id="a")
    under.error = None
    await buffer.stop()
    assert await find_ids(engine) == ["a"]


async def test_what_is_refused_for_good_is_dropped_alone(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    await store(engine)
    buffer = behind(Gated(engine))
    too_much = Accumulate(Product, "b", Product(id="b", stock=1), add={"stock": 2**63 - 1})
    await buffer.write([Insert(Product(id="a")), too_much, Insert(Product(id="c")), Delete(Product, "x")])
    await buffer.stop()
    assert await find_ids(engine) == ["a", "c"]
    assert buffer.refused == 1
    assert "Product" in caplog.text

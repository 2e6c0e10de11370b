"""Views: what is checked at the call, what a batch sees, who may write."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from headwater.errors import BadDeclaration, InvalidCriteria, InvalidMessage, LimitExceeded, NotOwner
from headwater.handling.batch import Batch, running_batch
from headwater.limits import Limits
from headwater.models.changes import Insert
from headwater.models.expressions import field
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import Engine, Identity
from headwater.read_models.store import ReadModelStore
from headwater.read_models.views import Views
from headwater.testing.conformance.products import Product, find_ids, store
from tests.engines.sqlite.stores import read_model

SEEN = datetime(2024, 1, 1, tzinfo=UTC)


class Other(ReadModel):
    id: Key[str]


def views(engine: Engine, *owned: type[ReadModel], limits: Limits | None = None) -> Views:
    identity = Identity("store", b"secret")
    return Views(engine.read_models, engine.projections, identity=identity, owned=owned, limits=limits)


@contextmanager
def batch_of(*writes: type[ReadModel]) -> Iterator[Batch]:
    batch = Batch("projection", writes)
    token = running_batch.set(batch)
    try:
        yield batch
    finally:
        running_batch.reset(token)


async def test_reads_in_every_form(engine: Engine) -> None:
    await store(engine, *[Product(id=key, stock=place, kind="k") for place, key in enumerate("abc")])
    read = views(engine)
    assert await read.get(Product, "b") == Product(id="b", stock=1, kind="k")
    assert await read.get(Product, "x") is None
    assert await read.find_one(Product, id="c") == Product(id="c", stock=2, kind="k")
    assert await read.find_one(Product, {"id": {"$gt": "a"}}) == Product(id="b", stock=1, kind="k")
    assert await read.find_one(Product, field("stock") > 5) is None
    assert [row.id for row in await read.find(Product, field("stock") > 0, order_by="-stock", kind="k")] == ["c", "b"]
    assert [row.id for row in await read.find(Product, limit=1, skip=1)] == ["b"]
    assert await read.count(Product) == 3
    assert await read.count(Product, stock=1) == 1
    assert (await read.exists(Product, stock=1), await read.exists(Product, id="x")) == (True, False)
    assert await read.aggregate(Product, [{"$group": {"_id": "$kind", "n": {"$sum": 1}}}]) == [{"_id": "k", "n": 3}]


async def test_the_key_of_another_kind_is_refused_as_criteria_are(engine: Engine) -> None:
    await store(engine)
    with pytest.raises(InvalidCriteria):
        await views(engine).find_one(Product, id=1)
    with pytest.raises(InvalidMessage):
        await views(engine).get(Product, 1)
    assert await views(engine).find_one(Product, id=None) is None


async def test_more_rows_than_the_limit_are_refused_not_cut(engine: Engine) -> None:
    await store(engine, *[Product(id=key, name="x") for key in "abc"])
    read = views(engine, limits=Limits(page_size=2))
    for refused in (read.find(Product), read.aggregate(Product, []), read.find(Product, limit=3)):
        with pytest.raises(LimitExceeded):
            await refused
    for limit in (3, 10**9):
        with pytest.raises(LimitExceeded):
            await read.search(Product, "x", limit=limit)
    assert len(await read.find(Product, limit=2)) == 2
    assert len(await read.aggregate(Product, [{"$limit": 2}])) == 2


async def test_writes_outside_a_projection(engine: Engine) -> None:
    await store(engine)
    write = views(engine)
    await write.insert(Product(id="a", stock=1))
    await write.update(Product, "a", kind="k")
    await write.update(Product, "missing", kind="k")
    await write.upsert(Product, "b", stock=7)
    await write.add(Product, "a", price=Decimal("1.10"))
    await write.max(Product, "a", stock=5, seen=SEEN)
    await write.min(Product, "a", stock=3)
    assert await write.find(Product) == [
        Product(id="a", stock=3, kind="k", price=Decimal("1.10"), seen=SEEN),
        Product(id="b", stock=7),
    ]
    await write.delete(Product, "a")
    assert await find_ids(engine) == ["b"]


async def test_only_its_projection_writes_an_owned_model(engine: Engine) -> None:
    await store(engine)
    write = views(engine, Product)
    for refused in (
        write.insert(Product(id="a")),
        write.update(Product, "a", stock=1),
        write.upsert(Product, "a", stock=1),
        write.delete(Product, "a"),
        write.add(Product, "a", price=1),
    ):
        with pytest.raises(NotOwner):
            await refused
    with batch_of(Other), pytest.raises(NotOwner):
        await write.insert(Product(id="a"))
    with batch_of(Product) as batch:
        await write.insert(Product(id="a"))
    assert batch.changes == [Insert(Product(id="a"))]


async def test_a_bad_value_raises_at_the_call(engine: Engine) -> None:
    await store(engine)
    write = views(engine)
    with batch_of(Product) as batch:
        for refused in (
            write.insert(Product(id="a", stock=cast("int", "1"))),
            write.insert(Product(id="a", price=Decimal("0.001"))),
            write.update(Product, "a", stock="1"),
            write.update(Product, "a", nothing=1),
            write.update(Product, "a", id="b"),
            write.update(Product, 1, stock=1),
            write.upsert(Product, None, stock=1),
            write.delete(Product, 1),
            write.add(Product, "a", stock=1),  # may be null
            write.add(Product, "a", name="x"),
            write.add(Product, "a", price=Decimal("0.001")),
            write.max(Product, "a", tags=["a"]),
            write.min(Product, "a", stock=None),
        ):
            with pytest.raises(InvalidMessage):
                await refused
    assert batch.changes == []


def test_no_field_is_called_as_a_keyword_of_the_queries() -> None:
    keywords = {
        name
        for query in (Views.find_one, Views.find, Views.page, Views.count, Views.exists)
        for name, parameter in inspect.signature(query).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    for name in keywords - {"size"}:  # of a page: a field of that name is asked for by a mapping there
        with pytest.raises(BadDeclaration, match=rf"\.{name}: .*choose another name, as in `item_{name}`"):
            read_model("kept", {"id": Key[str], name: int})


async def test_an_upsert_needs_what_has_no_default(engine: Engine) -> None:
    class Strict(ReadModel):
        id: Key[str]
        total: int
        name: str

    await engine.read_model_schema.ensure([Strict])
    write = views(engine)
    with pytest.raises(InvalidMessage, match="name"):
        await write.upsert(Strict, "a", total=1)
    with pytest.raises(InvalidMessage, match="name"):
        await write.add(Strict, "a", total=1)
    await write.upsert(Strict, "a", total=1, name="n")
    assert await write.get(Strict, "a") == Strict(id="a", total=1, name="n")


async def test_an_upsert_of_a_whole_row_is_shown_to_insert(engine: Engine) -> None:
    misled: Any = views(engine)
    named: Any = ReadModelStore.over(engine, Identity("store", b"secret"), [Product])
    for write in (misled, named):
        for wrong in ((Product(id="a"),), (Product,), (Product(id="a"), "a")):
            with pytest.raises(InvalidMessage, match=r"insert\(row\) replaces the whole row"):
                await write.upsert(*wrong)


async def test_a_batch_reads_its_own_changes_and_nobody_else_does(engine: Engine) -> None:
    await store(engine, Product(id="a", stock=1), Product(id="b", stock=2))
    both = views(engine, Product)
    with batch_of(Product):
        await both.delete(Product, "a")
        await both.update(Product, "b", stock=20)
        await both.insert(Product(id="c", stock=3, name="New"))
        assert [row.id for row in await both.find(Product, order_by="-stock")] == ["b", "c"]
        assert await both.get(Product, "a") is None
        assert await both.count(Product, field("stock") > 2) == 2
        assert [row.id for row in await both.search(Product, "new")] == ["c"]
        page = await both.page(Product, size=1)
        assert [row.id for row in page.items] == ["b"]
        rest = await both.page(Product, size=5, cursor=page.next_cursor)
        assert [row.id for row in rest.items] == ["c"]
    assert await find_ids(engine) == ["a", "b"]


async def test_a_batch_that_deletes_leaves_no_gap_in_what_is_found(engine: Engine) -> None:
    await store(engine, *[Product(id=key, name="same") for key in "abcd"])
    both = views(engine)
    with batch_of(Product):
        await both.delete(Product, "a")
        assert [row.id for row in await both.search(Product, "same", limit=2)] == ["b", "c"]
        assert [row.id for row in await both.find(Product, limit=2)] == ["b", "c"]
        assert [row.id for row in await both.find(Product, limit=2, skip=1)] == ["c", "d"]

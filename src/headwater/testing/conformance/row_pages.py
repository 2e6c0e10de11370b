"""The law of pages: every row once, whatever is written meanwhile, and no cursor but our own."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from headwater.errors import InvalidCriteria, InvalidCursor, LimitExceeded
from headwater.models.changes import Delete, Insert
from headwater.models.ordering import OrderLike
from headwater.ports.engine import Engine, Identity
from headwater.read_models.views import Views
from headwater.testing.conformance.products import Product, find_ids, store

__all__ = ["RowPagesConformance"]

ORDERS: list[OrderLike] = [
    "id",
    "-id",
    "stock",
    "-stock",
    ["kind", "-stock"],
    ["kind", "-price"],
    ["-kind", "stock", "-id"],
    "-weight",
    "listed",
]


def views(engine: Engine, secret: bytes = b"secret") -> Views:
    return Views(engine.read_models, engine.projections, identity=Identity("store", secret))


class RowPagesConformance:
    """Enrol with the fixture `engine`."""

    @pytest.mark.parametrize("order", ORDERS, ids=str)
    @pytest.mark.parametrize("size", [1, 2, 5, 100])
    async def test_pages_together_are_the_whole(self, engine: Engine, order: OrderLike, size: int) -> None:
        values = itertools.product([None, "k", "K"], [None, 1, 1, 2])
        rows = [
            Product(id=f"{n:02}", kind=kind, stock=stock, weight=stock, price=Decimal(stock or 7))
            for n, (kind, stock) in enumerate(values)
        ]
        await store(engine, *rows)
        read, cursor, pages = views(engine), None, list[str]()
        while True:
            page = await read.page(Product, {"id": {"$gt": "00"}}, order_by=order, size=size, cursor=cursor)
            pages += [row.id for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert pages == await find_ids(engine, {"id": {"$gt": "00"}}, order)

    async def test_writes_between_pages_move_no_other_row(self, engine: Engine) -> None:
        await store(engine, *[Product(id=key, stock=1) for key in "bdfh"])
        first = await views(engine).page(Product, order_by="stock", size=2)
        await engine.projections.write([Insert(Product(id="a", stock=1)), Delete(Product, "d"), Delete(Product, "b")])
        second = await views(engine).page(Product, order_by="stock", size=2, cursor=first.next_cursor)
        assert [row.id for row in (*first.items, *second.items)] == ["b", "d", "f", "h"]
        assert second.next_cursor is None

    async def test_a_cursor_fits_its_own_query_alone(self, engine: Engine) -> None:
        await store(engine, *[Product(id=key, kind="k", stock=1) for key in "abc"])
        read = views(engine)
        cursor = (await read.page(Product, {"kind": "k"}, order_by="stock", size=1)).next_cursor
        assert cursor is not None
        assert [row.id for row in (await read.page(Product, kind="k", order_by="stock", cursor=cursor)).items] == [
            "b",
            "c",
        ]
        for criteria, order in (
            ({"kind": "other"}, "stock"),
            ({"kind": "k"}, "-stock"),
            ({}, "stock"),
            ({"kind": "k"}, "id"),
        ):
            with pytest.raises(InvalidCursor):
                await read.page(Product, criteria, order_by=order, cursor=cursor)
        with pytest.raises(InvalidCursor):
            await views(engine, b"another store").page(Product, {"kind": "k"}, order_by="stock", cursor=cursor)

    async def test_a_forged_cursor_is_refused(self, engine: Engine) -> None:
        await store(engine, Product(id="a"), Product(id="b"))
        cursor = (await views(engine).page(Product, size=1)).next_cursor
        assert cursor is not None
        flipped = [
            cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
            for place in range(len(cursor) - 1)
        ]
        for forged in ["", "x", "é", "\ud800", "%00", cursor + "AAAA", cursor[:-4], *flipped]:
            with pytest.raises(InvalidCursor):
                await views(engine).page(Product, size=1, cursor=forged)

    async def test_sizes_at_their_bounds(self, engine: Engine) -> None:
        await store(engine, Product(id="a"))
        assert len((await views(engine).page(Product, size=10_000)).items) == 1
        for size in (0, -1, True, 1.0, "1"):
            with pytest.raises(InvalidCriteria):
                await views(engine).page(Product, size=size)  # type: ignore[arg-type]
        with pytest.raises(LimitExceeded):
            await views(engine).page(Product, size=10**9)

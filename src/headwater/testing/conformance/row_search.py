"""The law of search: words by their beginnings, whatever their case and marks."""

from __future__ import annotations

import pytest

from headwater.errors import InvalidCriteria
from headwater.models.changes import Accumulate, Delete, Insert, Update, Upsert
from headwater.models.search import query_words
from headwater.ports.engine import Engine
from headwater.testing.conformance.products import Product, store

__all__ = ["RowSearchConformance"]


async def found(engine: Engine, query: str, fields: tuple[str, ...] = ("name", "note"), limit: int = 50) -> str:
    rows = await engine.read_models.search(Product, fields, query_words(query), limit)
    return "".join(row.id for row in rows)


class RowSearchConformance:
    """Enrol with the fixture `engine`."""

    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            ("john", "a"),
            ("JO", "a"),
            ("ohn", ""),
            ("john smith", "a"),
            ("smith john", "a"),
            ("john nobody", ""),
            ("cafe", "bc"),
            ("CAFÉ", "bc"),
            ("cafe\u0301", "bc"),
            ("strasse", "b"),
            ("STRAẞE", "b"),
            ("ﬁne", "c"),
            ("john@example.com", "a"),
            ("example", "a"),
            ("x_y", "d"),
            ("y x", "d"),
            ("42", "d"),
            ('"', ""),
            ("* OR a", "a"),
            ("name:john", ""),
            ("NOT", ""),
            ("NEAR(john)", ""),
            ("москва", "e"),
            ("МОС", "e"),  # noqa: RUF001  # Cyrillic is meant
            ("東", "e"),
            ("oyvind", "f"),
            ("ØYV", "f"),
            ("lukasz", "f"),
            ("aero", "f"),
            ("", ""),
            ("!?", ""),
        ],
    )
    async def test_words_are_found_by_their_beginnings(self, engine: Engine, query: str, ids: str) -> None:
        await store(
            engine,
            Product(id="d", name="x_y 4200"),
            Product(id="c", name="cafeteria", note="fine"),
            Product(id="b", name="Café", note="Straße"),
            Product(id="a", name="John Smith, or Añna", note="john@example.com"),
            Product(id="e", name="Москва", note="東京"),
            Product(id="f", name="Øyvind Łukasz", note="Ærø"),
        )
        assert await found(engine, query) == ids

    async def test_only_the_fields_asked_for_are_searched(self, engine: Engine) -> None:
        await store(engine, Product(id="a", name="one", note="two"), Product(id="b", name="two"))
        assert await found(engine, "two", ("name",)) == "b"
        assert await found(engine, "two", ("note",)) == "a"
        assert await found(engine, "one two") == "a"
        assert await found(engine, "one two", ("name",)) == ""
        for fields in (("kind",), ("nothing",), ("name", 'x"; DROP TABLE events;--')):
            with pytest.raises(InvalidCriteria):
                await found(engine, "one", fields)

    async def test_rows_come_by_key_up_to_the_limit(self, engine: Engine) -> None:
        await store(engine, *[Product(id=key, name="same") for key in "dbca"])
        assert await found(engine, "same", limit=3) == "abc"
        assert await found(engine, "same", limit=0) == ""

    async def test_every_change_is_found_at_once(self, engine: Engine) -> None:
        await store(engine, Product(id="a", name="old"))
        write = engine.projections.write
        await write([Update(Product, "a", {"name": "new"})])
        assert (await found(engine, "old"), await found(engine, "new")) == ("", "a")
        await write([Upsert(Product, "b", {"note": "new"}, Product(id="b", note="new"))])
        assert await found(engine, "new") == "ab"
        await write([Upsert(Product, "b", {"note": None}, Product(id="b"))])
        assert await found(engine, "new") == "a"
        await write([Accumulate(Product, "c", Product(id="c", name="newest"), {"price": 1})])
        assert await found(engine, "new") == "ac"
        await write([Insert(Product(id="a", name="other")), Delete(Product, "c")])
        assert await found(engine, "new") == ""
        await write([Delete(Product, "a"), Insert(Product(id="a", name="new again"))])
        assert await found(engine, "again new") == "a"

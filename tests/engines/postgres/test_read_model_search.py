"""Search beyond what the index holds: words too long for it, and texts of too many words."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headwater.engines.postgres.search_index import words_of
from headwater.models.model import Key, ReadModel, Searchable
from headwater.models.search import query_words
from tests.engines.postgres.stores import opened, select, write
from tests.engines.servers import fresh_schema


class Text(ReadModel, table="text_view"):
    id: Key[str]
    body: Searchable[str] = ""
    title: Searchable[str | None] = None


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema() as url:
        yield url


LONG = "x" * 3_000
MANY = " ".join(f"{number:x}{'z' * 40}" for number in range(30_000))


async def test_a_word_longer_than_a_lexeme_is_found_by_its_beginnings(url: str) -> None:
    rows = [Text(id="a", body=f"{LONG}a"), Text(id="b", title=f"é{LONG}b"), Text(id="c", body=LONG), Text(id="d")]
    async with opened(url, Text) as engine:
        await write(engine, *rows)

        async def found(query: str, limit: int = 10) -> str:
            return "".join(row.id for row in await engine.read_models.search(Text, (), query_words(query), limit))

        assert await found("x") == "ac"
        assert await found("x" * 64) == "ac"
        assert await found(LONG) == "ac"
        assert await found(LONG, 1) == "a"
        assert await found(LONG, 0) == ""
        assert await found(f"{LONG}a") == "a"
        assert await found(f"e{LONG}b") == "b"
        assert await found(f"{LONG}b") == ""


async def test_a_text_of_too_many_words_is_found_by_them_and_by_no_others(url: str) -> None:
    async with opened(url, Text) as engine:
        await write(engine, Text(id="a", body=MANY), Text(id="b", body="ffz"), Text(id="c", title=MANY, body="ffz"))

        async def found(query: str, limit: int = 10, fields: tuple[str, ...] = ()) -> str:
            return "".join(row.id for row in await engine.read_models.search(Text, fields, query_words(query), limit))

        assert await found("752fzz") == "ac"
        assert await found("ffz") == "abc"
        assert await found("ffz", 2) == "ab"
        assert await found("7530zz") == ""
        assert await found("752fzz ffz", fields=("body",)) == "a"
        assert await found("752fzz ffz", fields=("title",)) == "c"
    assert await select(url, "SELECT id FROM text_view WHERE _search_body = '''*'''::tsvector") == [("a",)]


def test_words_are_sent_once_each_and_cut() -> None:
    assert words_of(None) is None
    assert words_of("") == ""
    assert words_of(f"b A b a {LONG}") == f"b a {'x' * 64}"
    assert words_of(MANY) == "*"

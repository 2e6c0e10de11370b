"""Names and values that would be SQL elsewhere, on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from headwater.errors import BadDeclaration
from headwater.models.changes import Accumulate, Delete, Update, Upsert
from headwater.models.criteria import Compare, Contains, In, Order, StartsWith
from headwater.models.model import Indexed, Key, Searchable
from headwater.models.pipeline import Accumulator, Group, Match, Project, Unwind
from headwater.ports.read_models import Selection
from tests.engines.postgres.stores import opened, read_model, select
from tests.engines.servers import fresh_schema

COMMON = ["select", "table", "order", "group", "user", "oid", "value", "item", "v", "c0", "r", "null"]
NAMES = st.sampled_from(COMMON) | st.from_regex(r"[a-z][a-z0-9_]{0,47}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SIGNS = st.sampled_from(["'; DROP TABLE events;--", *"\"'%_?:a\\", "$1", "--", "/*", "\U0010ffff"])


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_schema() as url:
        yield url


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, min_size=6, max_size=6, unique=True), TEXTS | SIGNS)
@example(["order", "user", "v", "value", "item", "r"], "x' OR 1=1")
async def test_any_identifier_names_and_any_text_is_a_value(url: str, names: list[str], text: str) -> None:
    table, key, word, number, tags, other = names
    fields: dict[str, object] = {key: Key[str], word: Searchable[str], number: Indexed[int]}
    fields |= {tags: list[str], other: Indexed[str] | None}
    model = read_model(table, fields, {number: 1, tags: [], other: None})
    row, missing = model(**{key: text, word: text, tags: [text], other: text}), model(**{key: text, word: "new"})
    try:
        async with opened(url, model) as engine:
            await engine.projections.write([Upsert(model, text, {word: text}, row)])
            await engine.projections.write([Accumulate(model, text, missing, add={number: 2}, max={other: text})])
            await engine.projections.write([Update(model, text, {word: text, tags: [text, f"{text}b"]})])
            for criteria in (
                Compare(other, "==", text),
                In(word, (text,)),
                Contains(tags, text),
                StartsWith(key, text),
            ):
                order = Order(number, descending=True), Order(other)
                (found,) = await engine.read_models.find(model, Selection(criteria=criteria, order=order, limit=1))
                assert (getattr(found, key), getattr(found, number)) == (text, 3)
            grouped = Group({"_id": tags}, {"n": Accumulator("$sum", number)})
            stages = Match(Compare(word, ">=", text)), Unwind(tags), grouped, Project({"n": "n", "who": "_id"})
            result = await engine.read_models.aggregate(model, stages)
            assert result == [{"n": 3, "who": text}, {"n": 3, "who": f"{text}b"}]
            await engine.projections.write([Delete(model, text)])
            assert await engine.read_models.get(model, text) is None
    finally:
        await select(url, f'DROP TABLE "{table}"')
        await select(url, "DELETE FROM headwater_read_models")


@pytest.mark.parametrize("name", ["ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"])
async def test_the_names_of_system_columns_are_refused_as_such(url: str, name: str) -> None:
    model = read_model("view", {"id": Key[str], name: int})
    async with opened(url) as engine:
        with pytest.raises(BadDeclaration, match=f"View.{name}: PostgreSQL keeps .* another name"):
            await engine.read_model_schema.ensure([model])

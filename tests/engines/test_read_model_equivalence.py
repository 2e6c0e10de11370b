"""Every engine gives the rows that memory gives for any question; a batch sees what they will hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import hypothesis
import pytest
from hypothesis import strategies as st

from headwater.engines import cassandra, postgres, sqlite
from headwater.engines.memory.engine import MemoryEngine
from headwater.errors import InvalidCriteria
from headwater.handling.batch import Batch
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update, Upsert
from headwater.models.criteria_parsing import parse_criteria
from headwater.models.ordering import parse_order
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.models.search import query_words
from headwater.models.selection import Selection
from headwater.ports.engine import Engine, EngineOptions, Identity
from headwater.read_models.overlay import Overlay
from headwater.read_models.views import Views
from headwater.testing.conformance.products import Product
from tests.engines.cassandra_servers import fresh_keyspace
from tests.engines.servers import fresh_schema

TEXTS = st.sampled_from(["", "a", "A", "ab", "b", "é", "Z", "\U0001f600", "a b", "Éa"])
CENTS = st.integers(-300, 300).map(lambda cents: Decimal(cents).scaleb(-2))
SEEN = st.integers(0, 3).map(lambda n: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=n))
VALUES: dict[str, st.SearchStrategy[object]] = {
    "id": st.sampled_from("abcdefgh"),
    "kind": st.none() | TEXTS,
    "price": CENTS,
    "stock": st.none() | st.integers(-3, 3),
    "weight": st.none() | st.integers(-8, 8).map(lambda n: n / 4),
    "listed": st.booleans(),
    "seen": st.none() | SEEN,
    "made": st.none() | st.integers(1, 3).map(lambda n: date(2024, 1, n)),
    "tags": st.lists(st.sampled_from(["a", "b", "\U0001f600"]), max_size=3),
    "sizes": st.none() | st.lists(st.integers(-2, 2), max_size=2),
    "name": TEXTS,
    "note": st.none() | TEXTS,
}
PLAIN = [name for name in VALUES if name not in {"tags", "sizes"}]
NUMBERS = ["price", "stock", "weight"]
Row = dict[str, object]

PRODUCTS = st.fixed_dictionaries(VALUES).map(lambda values: Product(**values))  # type: ignore[arg-type]


def comparisons() -> st.SearchStrategy[Row]:
    def of(name: str) -> st.SearchStrategy[Row]:
        present = VALUES[name].filter(lambda value: value is not None)
        operators = st.sampled_from(["$gt", "$gte", "$lt", "$lte"])
        return st.one_of(
            VALUES[name].map(lambda value: {name: value}),
            VALUES[name].map(lambda value: {name: {"$ne": value}}),
            st.lists(VALUES[name], max_size=3).map(lambda values: {name: {"$in": values}}),
            st.lists(VALUES[name], max_size=3).map(lambda values: {name: {"$nin": values}}),
            st.tuples(operators, present).map(lambda pair: {name: {pair[0]: pair[1]}}),
        )

    return st.one_of(
        st.sampled_from(PLAIN).flatmap(of),
        st.tuples(st.sampled_from(["kind", "name", "note"]), TEXTS).map(lambda p: {p[0]: {"$startsWith": p[1]}}),
        st.sampled_from(["a", "b"]).map(lambda tag: {"tags": {"$contains": tag}}),
        st.integers(-2, 2).map(lambda size: {"sizes": {"$contains": size}}),
    )


def _nested(inner: st.SearchStrategy[Row]) -> st.SearchStrategy[Row]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda parts: {"$or": parts}),
        several.map(lambda parts: {"$and": parts}),
        several.map(lambda parts: {"$nor": parts}),
        inner.map(lambda part: {"$not": part}),
    )


CRITERIA = st.just(Row()) | st.recursive(comparisons(), _nested, max_leaves=6)
DECLARED = [("kind", "asc"), ("price", "desc")]
ORDERS = st.just(DECLARED) | st.lists(
    st.tuples(st.sampled_from(PLAIN), st.sampled_from(["asc", "desc"])), max_size=3, unique_by=lambda o: o[0]
)
TOTALS = st.one_of(
    st.sampled_from(NUMBERS).flatmap(lambda name: st.sampled_from(["$sum", "$avg"]).map(lambda op: {op: f"${name}"})),
    st.sampled_from(PLAIN).flatmap(
        lambda name: st.sampled_from(["$min", "$max", "$addToSet"]).map(lambda op: {op: f"${name}"})
    ),
    st.sampled_from([{"$sum": 1}, {"$sum": -3}, {"$count": {}}]),
)


@st.composite
def pipelines(draw: st.DrawFn) -> list[Row]:
    """Stages that mostly fit each other; what does not is refused alike."""
    stages: list[Row] = []
    if draw(st.booleans()):
        stages.append({"$match": draw(CRITERIA)})
    if draw(st.booleans()):
        stages.append({"$sort": dict(draw(ORDERS.map(lambda os: {n: -1 if d == "desc" else 1 for n, d in os})))})
        stages.append({draw(st.sampled_from(["$limit", "$skip"])): draw(st.integers(0, 5))})
    if draw(st.booleans()):
        stages.append({"$unwind": draw(st.sampled_from(["$tags", "$sizes"]))})
    kept = draw(st.sampled_from(["group", "project", "whole"]))
    if kept == "group":
        names = draw(st.lists(st.sampled_from([*PLAIN, "tags"]), max_size=2, unique=True))
        by: object = {f"by_{n}": f"${n}" for n in names} if len(names) > 1 else (f"${names[0]}" if names else None)
        totals = draw(st.dictionaries(st.sampled_from(["x", "y", "Z"]), TOTALS, max_size=3))
        stages.append({"$group": {"_id": by, **totals}})
        stages.append({"$match": draw(st.sampled_from([{}, {"x": {"$ne": None}}, {"_id": "a"}]))})
        stages.append({"$sort": draw(st.sampled_from([{"x": -1}, {"y": 1, "x": 1}, {"_id": -1}]))})
    elif kept == "project":
        stages.append({"$project": {"one": "$price", "kind": 1, "s": "$stock"}})
        stages.append({"$sort": draw(st.sampled_from([{"one": -1}, {"s": 1}, {"kind": -1, "s": 1}]))})
    stages.append({draw(st.sampled_from(["$limit", "$skip"])): draw(st.integers(0, 3))})
    return stages


KEYS = VALUES["id"]
FIELDS = st.fixed_dictionaries({}, optional={name: VALUES[name] for name in VALUES if name != "id"})
CHANGES: st.SearchStrategy[Change] = st.one_of(
    PRODUCTS.map(Insert),
    st.builds(Update, st.just(Product), KEYS, FIELDS),
    st.builds(lambda key, fields: Upsert(Product, key, fields, Product(id=cast("str", key), **fields)), KEYS, FIELDS),
    st.builds(Delete, st.just(Product), KEYS),
    st.builds(
        lambda key, cents, seen: Accumulate(
            Product, key, Product(id=cast("str", key)), {"price": cents}, {"seen": seen}
        ),
        KEYS,
        CENTS,
        SEEN,
    ),
)


@pytest.fixture(params=["sqlite", "postgres", pytest.param("cassandra", marks=pytest.mark.timeout(600))])
async def other(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine for all examples of a test."""
    async with AsyncExitStack() as stack:
        if request.param == "postgres":
            engine: Engine = postgres.open_engine(await stack.enter_async_context(fresh_schema()), EngineOptions())
        elif request.param == "cassandra":
            engine = cassandra.open_engine(await stack.enter_async_context(fresh_keyspace()), EngineOptions())
        else:
            engine = sqlite.open_engine(f"sqlite:///{tmp_path}/store.db", EngineOptions())
        await engine.open()
        stack.push_async_callback(engine.close)
        await engine.read_model_schema.ensure([Product])
        yield engine


async def in_memory(changes: Sequence[Change], other: Engine) -> Engine:
    """Memory after these changes; the other engine, which held whatever it did, after the same."""
    memory = MemoryEngine()
    await memory.open()
    await memory.read_model_schema.ensure([Product])
    await memory.projections.write(changes)
    await other.projections.write([Delete(Product, key) for key in "abcdefgh"])
    await other.projections.write(changes)
    return memory


async def aggregated(engine: Engine, stages: Sequence[Mapping[str, object]]) -> object:
    try:
        return await engine.read_models.aggregate(Product, parse_pipeline(list(stages)))
    except InvalidCriteria:
        return InvalidCriteria


ENGINES = hypothesis.settings(
    hypothesis.settings.get_profile("engines"), suppress_health_check=list(hypothesis.HealthCheck)
)


@ENGINES
@hypothesis.given(
    changes=st.lists(CHANGES, max_size=12),
    questions=st.lists(
        st.tuples(CRITERIA, ORDERS, st.none() | st.integers(0, 4), st.integers(0, 3)), min_size=4, max_size=8
    ),
    words=st.lists(TEXTS, min_size=2, max_size=4),
)
async def test_every_engine_finds_the_same_rows(
    other: Engine,
    changes: list[Change],
    questions: list[tuple[Row, list[tuple[str, str]], int | None, int]],
    words: list[str],
) -> None:
    memory = await in_memory(changes, other)
    for criteria, order, limit, skip in questions:
        wanted = Selection(criteria=parse_criteria(criteria), order=parse_order(order), limit=limit, skip=skip)
        assert await other.read_models.find(Product, wanted) == await memory.read_models.find(Product, wanted)
        counts = [await engine.read_models.count(Product, wanted.criteria) for engine in (memory, other)]
        assert counts[0] == counts[1]
    for query in words:
        found = [
            await engine.read_models.search(Product, ["name", "note"], query_words(query), 3)
            for engine in (memory, other)
        ]
        assert found[0] == found[1]


@ENGINES
@hypothesis.given(
    changes=st.lists(CHANGES, max_size=12),
    questions=st.lists(
        st.tuples(
            st.sampled_from([{}, {"kind": "a"}, {"kind": None}]), CRITERIA, st.sampled_from([DECLARED, DECLARED[1:]])
        ),
        min_size=2,
        max_size=4,
    ),
    size=st.integers(1, 3),
)
async def test_pages_in_a_declared_order_are_the_same_rows(
    other: Engine, changes: list[Change], questions: list[tuple[Row, Row, list[tuple[str, str]]]], size: int
) -> None:
    memory = await in_memory(changes, other)
    pages = Views(other.read_models, other.projections, identity=Identity("store", b"secret"))
    for equal, criteria, order in questions:
        wanted = Selection(criteria=parse_criteria({"$and": [equal, criteria]}), order=parse_order(order))
        found, cursor = list[Product](), None
        while True:
            page = await pages.page(Product, wanted.criteria, order_by=order, size=size, cursor=cursor)
            found += page.items
            if (cursor := page.next_cursor) is None:
                break
        assert found == await memory.read_models.find(Product, wanted)


@ENGINES
@hypothesis.given(
    changes=st.lists(PRODUCTS.map(Insert), max_size=10), stages=st.lists(pipelines(), min_size=4, max_size=8)
)
async def test_every_engine_aggregates_alike(other: Engine, changes: list[Change], stages: list[list[Row]]) -> None:
    memory = await in_memory(changes, other)
    for pipeline in stages:
        assert repr(await aggregated(other, pipeline)) == repr(await aggregated(memory, pipeline))  # types too


@ENGINES
@hypothesis.given(
    stored=st.lists(CHANGES, max_size=8),
    pending=st.lists(CHANGES, min_size=1, max_size=8),
    criteria=CRITERIA,
    order=ORDERS,
    limit=st.none() | st.integers(0, 4),
    pipeline=pipelines(),
    query=TEXTS,
)
async def test_an_overlay_reads_what_will_be_written(
    stored: list[Change],
    pending: list[Change],
    criteria: Row,
    order: list[tuple[str, str]],
    limit: int | None,
    pipeline: list[Row],
    query: str,
) -> None:
    batch = Batch("p", [Product])
    for change in pending:
        batch.add(change)
    before, after = MemoryEngine(), MemoryEngine()
    for engine, changes in ((before, [stored]), (after, [stored, pending])):
        await engine.open()
        await engine.read_model_schema.ensure([Product])
        for each in changes:
            await engine.projections.write(each)
    seen, truth = Overlay(before.read_models, batch.pending), after.read_models
    wanted = Selection(criteria=parse_criteria(criteria), order=parse_order(order), limit=limit, skip=1)
    assert await seen.find(Product, wanted) == await truth.find(Product, wanted)
    assert await seen.count(Product, wanted.criteria) == await truth.count(Product, wanted.criteria)
    for key in "abcdefgh":
        assert await seen.get(Product, key) == await truth.get(Product, key)
    tokens = query_words(query)
    assert await seen.search(Product, ["name"], tokens, 2) == await truth.search(Product, ["name"], tokens, 2)
    try:
        expected = await truth.aggregate(Product, parse_pipeline(pipeline))
    except InvalidCriteria:
        with pytest.raises(InvalidCriteria):
            await seen.aggregate(Product, parse_pipeline(pipeline))
    else:
        assert await seen.aggregate(Product, parse_pipeline(pipeline)) == expected

"""Reads of read models on a real Cassandra: by indexes and keys, refused where reckless; and their tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from unittest.mock import patch

import pytest

from headwater.engines.cassandra.rows import row_stream
from headwater.engines.cassandra.rows.table import Table
from headwater.engines.cassandra.session import Row
from headwater.errors import InvalidCriteria, StoreMismatch, StoreUnavailable, UnknownName
from headwater.models.changes import Delete, Insert, Update
from headwater.models.criteria import All, Order
from headwater.models.criteria_parsing import parse_criteria
from headwater.models.model import Indexed, Key, ReadModel, Searchable
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.models.search import query_words
from headwater.models.selection import Selection
from tests.engines.cassandra.sides import Sale, Side, emptied_side, sold
from tests.engines.cassandra_servers import fresh_keyspace_now


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with fresh_keyspace_now() as url:
        yield url


@pytest.fixture
async def side(url: str) -> AsyncIterator[Side]:
    async with emptied_side(url) as side:
        yield side


# -- found ------------------------------------------------------------------------


async def test_indexes_and_keys_lead_to_rows_where_a_look_at_all_is_refused(side: Side) -> None:
    shops = [None, "north", "south"]
    rows = [Sale(id=f"{n:02}", shop=shops[n % 3], rank=n, open=n == 7) for n in range(12)]
    await side.page(*[(n, Insert(row)) for n, row in enumerate(rows)])
    found_by: list[tuple[dict[str, object], list[str]]] = [
        ({"id": "03"}, ["03"]),
        ({"id": {"$in": ["03", "04", "nobody"]}, "shop": "north"}, ["04"]),
        ({"shop": "north"}, ["01", "04", "07", "10"]),
        ({"shop": "north", "rank": {"$gt": 4}}, ["07", "10"]),
        ({"rank": {"$gte": 3, "$lt": 5}}, ["03", "04"]),
        ({"open": True}, ["07"]),
        ({"$or": [{"open": True}, {"rank": 0}]}, ["00", "07"]),
        ({"shop": {"$in": ["nowhere"]}}, []),
        ({"items": 0, "open": True}, ["07"]),
    ]
    for criteria, found in found_by:
        assert await side.ids(criteria, most=4) == found, criteria
    reckless: list[dict[str, object]] = [{}, {"items": 0}, {"shop": None}, {"shop": {"$ne": "x"}}, {"id": {"$gt": "0"}}]
    for criteria in reckless:
        with pytest.raises(InvalidCriteria, match="more than 4 rows of Sale"):
            await side.ids(criteria, most=4)
    with pytest.raises(InvalidCriteria, match="declare items as Indexed"):
        await side.reads_of(4).count(Sale, parse_criteria({"items": 0}))
    with pytest.raises(InvalidCriteria, match="more than 4 rows"):
        await side.reads_of(4).aggregate(Sale, parse_pipeline([{"$group": {"_id": "$shop", "n": {"$sum": 1}}}]))


async def test_deleted_rows_are_looked_at_too(side: Side) -> None:
    await side.page(*[(n, Insert(Sale(id=f"{n}", title="same"))) for n in range(5)])
    await side.page(*[(9, Delete(Sale, f"{n}")) for n in range(5)])
    assert await side.ids(most=5) == []
    with pytest.raises(InvalidCriteria, match="more than 4 rows of Sale"):
        await side.ids(most=4)
    assert await side.reads_of(5).search(Sale, ["title"], query_words("same"), 9) == []
    with pytest.raises(InvalidCriteria, match="more than 4 rows of Sale have words that begin so"):
        await side.reads_of(4).search(Sale, ["title"], query_words("s"), 9)


async def test_what_is_no_longer_so_is_not_found_by_an_index(side: Side) -> None:
    await side.page((0, Insert(Sale(id="a", shop="north", title="old words"))))
    await side.page((1, Update(Sale, "a", {"shop": None, "title": ""})))
    await side.page((2, Insert(Sale(id="b", shop="north"))), (3, Delete(Sale, "b")))
    for criteria in ({"shop": "north"}, {"shop": ""}):
        assert await side.ids(criteria) == []
    assert await side.reads.search(Sale, ["title"], query_words("old"), 9) == []


async def test_a_table_of_many_pages_is_read_whole_and_once(side: Side) -> None:
    await side.page(*[(n, sold(f"{n:03}", "1")) for n in range(100)])
    await side.page(*[(n, sold(f"{n:03}", "1")) for n in range(0, 100, 3)], part=1)
    expected = [f"{n:03}" for n in range(100)]
    for page in (1, 7, 50, 101):
        with patch.object(row_stream, "PAGE", page):
            assert await side.ids() == expected
            rows = await side.reads.find(Sale, Selection(order=(Order("items"),), skip=66, limit=2))
            assert [(sale.id, sale.items) for sale in rows] == [("000", 2), ("003", 2)]
            with pytest.raises(InvalidCriteria, match="more than 30 rows"):  # what is still on its way is let go
                await side.ids(most=30)


async def test_a_page_that_cannot_be_read_ends_it_all(side: Side) -> None:
    await side.page(*[(n, sold(f"{n:03}", "1")) for n in range(60)])
    real, left = side.session.pages, iter(range(10))

    async def pages(name: str, *parameters: object, page: int = 1, **levels: bool) -> AsyncGenerator[list[Row], None]:
        async for found in real(name, *parameters, page=page, **levels):
            if "token(" in name and next(left, None) is None:
                raise StoreUnavailable("no answer")
            yield found

    with (
        patch.object(side.session, "pages", pages),
        patch.object(row_stream, "PAGE", 2),
        pytest.raises(StoreUnavailable),
    ):
        await side.ids()
    assert [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


# -- tables ------------------------------------------------------------------------


async def test_two_processes_make_a_table_at_once(url: str) -> None:
    class Made(ReadModel, table="rows_made"):
        id: Key[int]
        name: Indexed[Searchable[str]] = ""

    sides = [Side(url) for _ in range(3)]
    for each in sides:
        await each.open()
    with pytest.raises(UnknownName, match="name it in read_models"):
        await sides[0].reads.get(Made, 1)
    with pytest.raises(UnknownName, match="name it in read_models"):
        await sides[0].rows.write_direct([Insert(Made(id=1))])
    await asyncio.gather(*[each.schema.ensure([Made]) for each in sides])
    for number, each in enumerate(sides):
        await each.rows.write_direct([Insert(Made(id=number, name="x"))])
    assert await sides[0].reads.count(Made, parse_criteria({"name": "x"})) == 3
    await sides[0].rows.drop(["rows_made"], 0)
    with pytest.raises(UnknownName, match="name it in read_models"):
        await sides[1].reads.count(Made, All())
    for each in sides:
        await each.session.close()


async def test_a_new_field_has_its_default_in_the_rows_that_are_there(side: Side) -> None:
    class Before(ReadModel, table="rows_grown"):
        id: Key[str]

    class After(ReadModel, table="rows_grown"):
        id: Key[str]
        kind: Indexed[str] = "usual"
        about: Searchable[str] = "nothing yet"

    class Other(ReadModel, table="rows_grown"):
        id: Key[str]
        kind: Indexed[str]

    await side.schema.ensure([Before])
    await side.rows.write_direct([Insert(Before(id="a"))])
    with pytest.raises(StoreMismatch, match="new and has no default"):
        await side.schema.ensure([Other])
    await side.schema.ensure([After])
    await side.rows.write_direct([Insert(After(id="b", kind="odd", about="all of it"))])
    kinds = {kind: await side.reads.count(After, parse_criteria({"kind": kind})) for kind in ("usual", "odd", "none")}
    assert kinds == {"usual": 1, "odd": 1, "none": 0}
    assert [row.id for row in await side.reads.search(After, ["about"], query_words("nothing"), 9)] == ["a"]
    with pytest.raises(StoreMismatch, match="no longer declared"):
        await side.schema.ensure([Before])
    await side.rows.drop(["rows_grown"], 0)


async def test_a_table_that_another_is_about_to_make_has_to_fit(side: Side) -> None:
    class Theirs(ReadModel, table="rows_theirs"):
        id: Key[str]
        kind: int = 0

    class Ours(ReadModel, table="rows_theirs"):
        id: Key[str]

    real = side.catalogue.insert

    async def insert(table: Table) -> bool:
        await side.schema.ensure([Theirs])  # faster by a moment
        return await real(table)

    other = Side(side.url)
    await other.open()
    with patch.object(other.catalogue, "insert", insert), pytest.raises(StoreMismatch, match="no longer declared"):
        await other.schema.ensure([Ours])
    await other.session.close()
    await side.rows.drop(["rows_theirs"], 0)


async def test_a_table_that_is_no_read_models_is_left_alone(side: Side) -> None:
    class Taken(ReadModel, table="rows_taken"):
        id: Key[str]

    await side.session.run(f"CREATE TABLE {side.session.keyspace}.rm_rows_taken_0 (a int PRIMARY KEY)")
    with pytest.raises(StoreMismatch, match="'rm_rows_taken_0' is there"):
        await side.schema.ensure([Taken])
    await side.session.run(f"DROP TABLE {side.session.keyspace}.rm_rows_taken_0")
    await side.schema.ensure([Taken])
    await side.rows.drop(["rows_taken"], 0)

"""Rows of read models on a real Cassandra: written again and late, merged, found by indexes, refused where reckless."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, cast
from unittest.mock import patch

import pytest

from headwater.engines.cassandra import row_stream
from headwater.engines.cassandra.catalogue import Catalogue
from headwater.engines.cassandra.location import Location
from headwater.engines.cassandra.migrations import open_store
from headwater.engines.cassandra.read_model_schema import CassandraReadModelSchema
from headwater.engines.cassandra.read_model_tables import ReadModelTables
from headwater.engines.cassandra.read_models import CassandraReadModels
from headwater.engines.cassandra.row_work import Placed
from headwater.engines.cassandra.rows import Rows
from headwater.engines.cassandra.served import nothing, only
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.statements import Statements
from headwater.engines.cassandra.table import OWN_COLUMNS
from headwater.errors import InvalidCriteria, InvalidMessage, StoreMismatch, UnknownName
from headwater.models.changes import Accumulate, Change, Delete, Insert, Update
from headwater.models.criteria import All, Order
from headwater.models.criteria_parsing import parse_criteria
from headwater.models.fields import Scale
from headwater.models.model import Indexed, Key, ReadModel, Searchable
from headwater.models.pipeline_parsing import parse_pipeline
from headwater.models.search import query_words
from headwater.models.selection import Selection
from headwater.ports.clock import SystemClock
from headwater.ports.engine import EngineOptions
from tests.engines.cassandra_servers import fresh_keyspace_now

LOG_TIME = 1_700_000_000_000_000


class Sale(ReadModel, table="rows_sale", orders=["-amount"]):
    id: Key[str]
    shop: Indexed[str | None] = None
    amount: Annotated[Decimal, Scale(2)] = Decimal(0)
    items: int = 0
    rank: Indexed[int] = 0
    """Nothing is ever added to it, so an index knows it."""
    open: Indexed[bool] = False
    title: Searchable[str] = ""


class Side:
    """The read side by itself."""

    def __init__(self, url: str) -> None:
        location = Location.parse(url, {})
        self._cql = Statements(location.keyspace, "events", "commands")
        self._location = location
        self.session = session = Session(location, self._cql)
        self.catalogue = catalogue = Catalogue(session)
        self.tables = ReadModelTables(session, location.keyspace, catalogue)
        self.rows = Rows(session, self.tables, catalogue, only(0), SystemClock())
        self.schema = CassandraReadModelSchema(session, self.tables, catalogue, only(0))
        self.reads = self.reads_of(1_000_000)

    def reads_of(self, most: int) -> CassandraReadModels:
        return CassandraReadModels(self.session, self.catalogue, only(0), nothing, most)

    async def open(self) -> None:
        await open_store(self.session, self._cql, self._location, EngineOptions())

    async def page(
        self, *changes: tuple[int, Change], part: int = 0, replayed: bool = False, generation: int = 0
    ) -> None:
        placed = [
            Placed(change=change, offset=offset, log_time=LOG_TIME + offset, is_replayed=replayed)
            for offset, change in changes
        ]
        await self.rows.write(placed, 0, part, generation)

    async def cells(self, key: str) -> list[dict[str, object]]:
        """A row as it is stored, and when it was written; without what lies in the cells of fields that are null."""
        fields, own = ("shop", "amount", "items", "open", "title"), [f'"{name}"' for name in OWN_COLUMNS]
        columns, table = ", ".join([*fields, *own]), f"{self.session.keyspace}.rm_rows_sale_0"
        found = await self.session.run(f"SELECT {columns}, WRITETIME(\"_live\") FROM {table} WHERE id = '{key}'")
        rows = [dict(zip((*fields, *OWN_COLUMNS, "written"), row, strict=True)) for row in found]
        for row in rows:
            for name in str(row["_nulls"]).split(",") if row["_live"] else fields:
                row.pop(name, None)
            row["_relative"] = cast("bytes", row["_relative"]).replace(key.encode(), b"the key")
        return rows

    async def ids(self, criteria: object = None, most: int = 1_000_000, order: tuple[Order, ...] = ()) -> list[str]:
        selection = Selection(criteria=parse_criteria(criteria), order=order)  # type: ignore[arg-type]
        return [sale.id for sale in await self.reads_of(most).find(Sale, selection)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with fresh_keyspace_now() as url:
        yield url


@pytest.fixture
async def side(url: str) -> AsyncIterator[Side]:
    side = Side(url)
    await side.open()
    await side.rows.ensure([Sale], 0)
    for table in ("rm_rows_sale_0", "rw_rows_sale_0"):
        await side.session.run(f"TRUNCATE {side.session.keyspace}.{table}")
    yield side
    await side.session.close()


def sold(key: str, amount: str, items: int = 1) -> Change:
    return Accumulate(Sale, key, Sale(id=key), add={"amount": Decimal(amount), "items": items})


def log_of(kind: str) -> list[tuple[int, Change]]:
    """The same for every kind, but for the keys."""
    return [
        (0, Insert(Sale(id=f"{kind}a", shop="north", title="first things"))),
        (1, sold(f"{kind}a", "1.50")),
        (2, sold(f"{kind}b", "0.25")),
        (3, Update(Sale, f"{kind}a", {"shop": None, "open": True})),
        (4, Insert(Sale(id=f"{kind}c", shop="south"))),
        (5, Delete(Sale, f"{kind}c")),
        (6, sold(f"{kind}b", "0.50", 2)),
        (6, sold(f"{kind}b", "0.25", 2)),
        (7, Update(Sale, f"{kind}d", {"items": 3})),
    ]


# -- written again, late, and merged ----------------------------------------------


async def test_the_same_changes_again_in_other_pages_and_late_are_the_same_cells(side: Side, url: str) -> None:
    once, again = log_of("x"), log_of("y")
    await side.page(*once)
    zombie, read, goes_on = Side(url), asyncio.Event(), asyncio.Event()
    await zombie.open()

    async def late(works: Sequence[object]) -> None:
        read.set()
        await goes_on.wait()

    with patch.object(zombie.rows, "_prepare", late):
        writing = asyncio.create_task(zombie.page(*again[:5]))
        await read.wait()
        for page in (again[:3], again[1:6], again[2:8], again):  # what was not acknowledged comes again
            await side.page(*page)
        goes_on.set()
        await writing
    await zombie.session.close()
    for name in "abcd":
        assert await side.cells(f"y{name}") == await side.cells(f"x{name}")
    assert await side.reads.find(Sale, Selection()) == [
        sale
        for kind in "xy"
        for sale in (
            Sale(id=f"{kind}a", amount=Decimal("1.50"), items=1, open=True, title="first things"),
            Sale(id=f"{kind}b", amount=Decimal("1.00"), items=5),
        )
    ]


async def test_sums_of_several_partitions_are_one_row_to_every_read(side: Side) -> None:
    for part in range(3):
        await side.page((0, sold("a", "1.10")), (1, sold("a", "0.01", part)), part=part)
    await side.page((0, Insert(Sale(id="b", shop="north", amount=Decimal(2)))), part=1)
    assert await side.reads.get(Sale, "a") == Sale(id="a", amount=Decimal("3.33"), items=6)
    assert await side.ids({"amount": Decimal("3.33")}) == ["a"]  # no index knows it
    assert await side.ids({"amount": {"$gt": Decimal("1.11")}}) == ["a", "b"]
    assert await side.ids(order=(Order("amount", descending=True),)) == ["a", "b"]
    assert await side.reads.count(Sale, All()) == 2
    total = parse_pipeline([{"$group": {"_id": None, "sum": {"$sum": "$amount"}}}])
    assert await side.reads.aggregate(Sale, total) == [{"_id": None, "sum": Decimal("5.33")}]


async def test_a_replayed_event_has_a_row_of_its_own_and_counts_once(side: Side) -> None:
    await side.page((0, sold("a", "1.00")), (2, sold("a", "1.00")))
    for _ in range(2):
        await side.page((1, sold("a", "0.50")), replayed=True)
    await side.page((3, sold("a", "1.00")))
    assert len(await side.cells("a")) == 2
    assert await side.reads.get(Sale, "a") == Sale(id="a", amount=Decimal("3.50"), items=4)
    await side.page((4, Update(Sale, "a", {"shop": "north"})))
    assert await side.reads.get(Sale, "a") == Sale(id="a", amount=Decimal("3.50"), items=4, shop="north")
    assert await side.ids({"shop": "north"}) == ["a"]


async def test_what_a_reset_takes_out_is_made_again_and_older_writes_stay_out(side: Side) -> None:
    await side.page((5, Insert(Sale(id="a", items=5))))
    await side.page((-1, Delete(Sale, "a")), generation=1)
    assert await side.ids() == []
    await side.page((0, Insert(Sale(id="a", items=1))), generation=1)
    assert await side.reads.get(Sale, "a") == Sale(id="a", items=1)


@pytest.mark.parametrize("log_time", [-1, 1 << 52])
async def test_nothing_is_written_where_one_event_has_no_time_a_cell_can_have(side: Side, log_time: int) -> None:
    late = Placed(change=sold("b", "1"), offset=1, log_time=log_time)
    with pytest.raises(InvalidMessage, match="1970 to 2112"):
        await side.rows.write([Placed(change=sold("a", "1"), offset=0, log_time=0), late], 0, 0)
    with pytest.raises(InvalidMessage, match="2,047"):
        await side.page((0, sold("a", "1")), generation=2_048)
    assert await side.ids() == []


async def test_direct_writes_at_once_are_all_made(side: Side) -> None:
    await asyncio.gather(*[side.rows.write_direct([sold("a", "0.01"), sold("b", "1")]) for _ in range(10)])
    assert [(sale.amount, sale.items) for sale in await side.reads.find(Sale, Selection())] == [
        (Decimal("0.10"), 10),
        (Decimal(10), 10),
    ]


async def test_a_text_too_long_for_an_index_is_refused(side: Side) -> None:
    await side.rows.write_direct([Insert(Sale(id="a", shop="x" * 8_192))])
    assert await side.ids({"shop": "x" * 8_192}) == ["a"]
    with pytest.raises(InvalidMessage, match="too long for an index"):
        await side.rows.write_direct([Insert(Sale(id="b")), Insert(Sale(id="a", shop="x" * 8_193))])
    with pytest.raises(InvalidMessage, match="a key"):
        await side.rows.write_direct([Insert(Sale(id="k" * 60_001))])
    assert await side.ids() == ["a"]


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


async def test_a_table_that_is_no_read_models_is_left_alone(side: Side) -> None:
    class Taken(ReadModel, table="rows_taken"):
        id: Key[str]

    await side.session.run(f"CREATE TABLE {side.session.keyspace}.rm_rows_taken_0 (a int PRIMARY KEY)")
    with pytest.raises(StoreMismatch, match="'rm_rows_taken_0' is there"):
        await side.schema.ensure([Taken])
    await side.session.run(f"DROP TABLE {side.session.keyspace}.rm_rows_taken_0")
    await side.schema.ensure([Taken])
    await side.rows.drop(["rows_taken"], 0)

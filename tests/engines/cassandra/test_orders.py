"""Declared orders on a real Cassandra: pages cost what they hold, and are right whoever writes, dies or comes late."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import cast
from unittest.mock import patch

import pytest

from headwater.engines.cassandra.order_table import OrderTable, shard_of
from headwater.engines.cassandra.order_verification import OrderVerification
from headwater.engines.cassandra.session import Row, Session, Step
from headwater.engines.cassandra.table import table_of
from headwater.errors import InvalidCriteria, InvalidMessage, StoreUnavailable
from headwater.models.changes import Accumulate, Delete, Insert, Update
from headwater.models.criteria import Order
from headwater.models.fields import Scalar
from headwater.models.model import Indexed, Key, ReadModel, schema_of
from headwater.models.ordering import OrderLike
from headwater.ports.engine import Identity
from headwater.read_models.views import Page, Views
from tests.engines.cassandra.sides import Side
from tests.engines.cassandra_servers import fresh_keyspace_now


class Ticket(ReadModel, table="orders_ticket", orders=["-seen", ("desk", "-seen")]):
    id: Key[str]
    desk: Indexed[str] = ""
    seen: int = 0
    title: str = ""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with fresh_keyspace_now() as url:
        yield url


@pytest.fixture
async def side(url: str) -> AsyncIterator[Side]:
    side = Side(url)
    await side.open()
    await side.rows.ensure([Ticket], 0)
    for name in (table_of(side.session.keyspace, Ticket, 0).name, *[order.name for order in await orders_of(side)]):
        await side.session.run(f"TRUNCATE {name}")
    yield side
    await side.session.close()


async def orders_of(side: Side, model: type[ReadModel] = Ticket) -> Sequence[OrderTable]:
    return await side.catalogue.orders.of(table_of(side.session.keyspace, model, 0))


async def entries_of(side: Side) -> list[tuple[str, int]]:
    """Of the order by `seen`: keys, and how many entries each has."""
    rows = await side.session.rows((await orders_of(side))[0].read_all)
    keys = [str(row[3]) for row in rows]
    return sorted({key: keys.count(key) for key in keys}.items())


async def page(
    side: Side, order: OrderLike = "-seen", size: int = 20, cursor: str | None = None, **equal: object
) -> Page[Ticket]:
    views = Views(side.reads_of(0), side, identity=Identity("store", b"secret"))  # type: ignore[arg-type]  # only read
    return await views.page(Ticket, order_by=order, size=size, cursor=cursor, **equal)


async def ids(side: Side, order: OrderLike = "-seen", **equal: object) -> list[str]:
    """All of them, in pages: a look at every row would be refused."""
    found, cursor = list[str](), None
    while True:
        each = await page(side, order, 3, cursor, **equal)
        found += [ticket.id for ticket in each.items]
        if (cursor := each.next_cursor) is None:
            return found


class Asked:
    """What a session was asked for, and how many rows it answered with."""

    def __init__(self) -> None:
        self.requests = 0
        self.rows = 0


@contextmanager
def asked(session: Session) -> Iterator[Asked]:
    seen, pages, row = Asked(), session.pages, session.row

    async def counted(name: str, *parameters: object, **options: object) -> AsyncGenerator[list[Row], None]:
        async for found in pages(name, *parameters, **options):  # type: ignore[arg-type]
            seen.requests, seen.rows = seen.requests + 1, seen.rows + len(found)
            yield found

    async def counted_row(name: str, *parameters: object, **options: object) -> Row | None:
        seen.requests, seen.rows = seen.requests + 1, seen.rows + 1
        return await row(name, *parameters, **options)  # type: ignore[arg-type]

    with patch.object(session, "pages", counted), patch.object(session, "row", counted_row):
        yield seen


# -- cost -------------------------------------------------------------------------


SIZE = 20


async def walked(side: Side, order: OrderLike, pages: int, **equal: object) -> tuple[list[Ticket], list[Asked]]:
    """The rows of some pages, and what each of these asked for."""
    found, costs, cursor = list[Ticket](), list[Asked](), None
    for _ in range(pages):
        with asked(side.session) as seen:
            each = await page(side, order, SIZE, cursor, **equal)
        found, cursor = [*found, *each.items], each.next_cursor
        costs.append(seen)
    return found, costs


async def filled(side: Side, rows: int) -> list[Ticket]:
    tickets = [Ticket(id=f"{n:05}", desk=f"{n % 7}", seen=n * 7919 % rows) for n in range(rows)]
    for start in range(0, rows, 500):
        await side.page(*[(n, Insert(tickets[n])) for n in range(start, min(rows, start + 500))])
    return sorted(tickets, key=lambda ticket: -ticket.seen)


@pytest.mark.timeout(300)
async def test_every_page_reads_what_it_holds(side: Side) -> None:
    tickets = await filled(side, 3_000)
    of_desk = [ticket for ticket in tickets if ticket.desk == "3"]
    by_desk = sorted(tickets, key=lambda ticket: ticket.desk)
    for order, equal, expected in (
        ("-seen", {}, tickets),
        (["desk", "-seen"], {}, by_desk),
        ("-seen", {"desk": "3"}, of_desk),
    ):
        pages = min(100, len(expected) // SIZE)
        found, costs = await walked(side, order, pages, **equal)
        assert found == expected[: pages * SIZE]
        assert max(cost.rows for cost in costs) <= 8 * SIZE
        assert max(cost.requests for cost in costs) <= 50


async def test_what_would_be_reckless_says_which_order_to_declare(side: Side) -> None:
    await side.page(*[(n, Insert(Ticket(id=f"{n}", desk="a"))) for n in range(3)])
    asked: list[tuple[str, dict[str, object], str]] = [
        ("title", {}, "('title',)"),
        ("-title", {"desk": "a"}, "('desk', '-title')"),
        ("seen", {}, "('seen',)"),
    ]
    for order, equal, orders in asked:
        with pytest.raises(InvalidCriteria, match=re.escape(f"declare orders=[{orders}]")):
            await page(side, order, 20, None, **equal)
    with pytest.raises(InvalidCriteria, match="ask for a field that is Indexed"):
        await page(side, "id")


# -- right ------------------------------------------------------------------------


async def test_rows_stand_where_they_are_and_have_one_entry(side: Side) -> None:
    await side.page(*[(n, Insert(Ticket(id=f"{n}", seen=n, desk="a" if n % 2 else "b"))) for n in range(9)])
    await side.page(
        (9, Update(Ticket, "3", {"seen": 100})), (10, Delete(Ticket, "5")), (11, Update(Ticket, "6", {"desk": "a"}))
    )
    await side.rows.write_direct([Update(Ticket, "0", {"seen": 7}), Insert(Ticket(id="9", seen=-1))])
    await side.rows.write_direct([Update(Ticket, "9", {"seen": 50}), Delete(Ticket, "8")])
    assert await ids(side) == ["3", "9", "0", "7", "6", "4", "2", "1"]
    assert await ids(side, desk="a") == ["3", "7", "6", "1"]
    assert await ids(side, ["desk", "-seen"]) == ["9", "3", "7", "6", "1", "0", "4", "2"]
    of_both = {"0": 2, "8": 1}  # what the projection wrote is there, too
    assert await entries_of(side) == [(key, of_both.get(key, 1)) for key in "012346789"]


async def test_who_died_before_the_old_entry_went_leaves_one_that_a_reader_takes_away(side: Side) -> None:
    await side.page(*[(n, Insert(Ticket(id=f"{n}", seen=n))) for n in range(4)])
    real = side.session.write

    async def write(*steps: Step) -> None:
        if steps[0][0].startswith("DELETE"):
            raise asyncio.CancelledError
        await real(*steps)

    with patch.object(side.session, "write", write), pytest.raises(asyncio.CancelledError):
        await side.page((4, Update(Ticket, "0", {"seen": 9})))
    await side.rows.write_direct([Insert(Ticket(id="8", seen=0)), Insert(Ticket(id="8", seen=-3))])
    with patch.object(side.session, "write", write), pytest.raises(asyncio.CancelledError):
        await side.rows.write_direct([Insert(Ticket(id="8", seen=5))])
    assert await entries_of(side) == [("0", 2), ("1", 1), ("2", 1), ("3", 1), ("8", 2)]
    assert await ids(side) == ["0", "8", "3", "2", "1"]
    assert await entries_of(side) == [("0", 1), ("1", 1), ("2", 1), ("3", 1), ("8", 1)]


async def test_a_row_that_is_about_to_come_keeps_its_entry(side: Side) -> None:
    """However often somebody has looked before it is there."""
    await side.page((0, Insert(Ticket(id="a", seen=1))))
    slow, prepared, goes_on = Side(side.url), asyncio.Event(), asyncio.Event()
    await slow.open()
    real = slow.session.write

    async def write(*steps: Step) -> None:
        if steps[0][0].startswith("UPDATE"):
            prepared.set()
            await goes_on.wait()
        await real(*steps)

    with patch.object(slow.session, "write", write):
        writing = asyncio.create_task(
            slow.page((1, Update(Ticket, "a", {"seen": 5})), (1, Insert(Ticket(id="b", seen=3))))
        )
        await prepared.wait()
        for _ in range(2):
            assert await ids(side) == ["a"]
        goes_on.set()
        await writing
    await slow.session.close()
    assert await ids(side) == ["a", "b"]
    assert await entries_of(side) == [("a", 1), ("b", 1)]


async def test_who_comes_late_takes_no_entry_of_a_row_that_has_come_back(side: Side) -> None:
    """One has read the row before it left its place, and writes after it has come back in one page of another."""
    await side.page((0, Insert(Ticket(id="a", seen=1))))
    away, back = (1, Update(Ticket, "a", {"seen": 5})), (2, Update(Ticket, "a", {"seen": 1}))
    late, read, goes_on = Side(side.url), asyncio.Event(), asyncio.Event()
    await late.open()
    real = late.rows._prepare

    async def prepare(*given: object) -> None:
        read.set()
        await goes_on.wait()
        await real(*given)  # type: ignore[arg-type]

    with patch.object(late.rows, "_prepare", prepare):
        writing = asyncio.create_task(late.page(away))
        await read.wait()
        await side.page(away, back)
        goes_on.set()
        await writing
    await late.session.close()
    assert await ids(side) == ["a"]
    assert await entries_of(side) == [("a", 1)]


async def test_a_row_that_moves_while_it_is_looked_for_is_not_missed(side: Side) -> None:
    await side.page(*[(n, Insert(Ticket(id=f"{n}", seen=n))) for n in range(9)])
    real, moved = side.session.pages, list[str]()

    async def pages(name: str, *parameters: object, **options: object) -> AsyncGenerator[list[Row], None]:
        if " IN ?" in name and not moved:
            moved.append("4")
            await side.page((20, Update(Ticket, "4", {"seen": 40})))
        async for found in real(name, *parameters, **options):  # type: ignore[arg-type]
            yield found

    with patch.object(side.session, "pages", pages):
        found = await page(side, size=9)
    assert [ticket.id for ticket in found.items] == ["4", "8", "7", "6", "5", "3", "2", "1", "0"]


async def test_many_that_write_and_read_at_once_agree_in_the_end(side: Side) -> None:
    others = [Side(side.url) for _ in range(3)]
    for each in others:
        await each.open()

    async def write(number: int, part: Side) -> None:
        for n in range(12):
            changes = [(n, Update(Ticket, f"{key}", {"seen": (n * 7 + number) % 5})) for key in range(4)]
            await part.rows.write_direct([change for _, change in changes])
            await part.page((n, Insert(Ticket(id=f"{number}{n % 3}", seen=n % 4))), part=number)

    await side.rows.write_direct([Insert(Ticket(id=f"{key}")) for key in range(4)])
    reading = asyncio.gather(*[ids(side) for _ in range(10)])
    await asyncio.gather(*[write(number, each) for number, each in enumerate(others)])
    await reading
    for each in others:
        await each.session.close()
    found = {row.id: row for row in [cast("Ticket", await side.reads.get(Ticket, key)) for key in await ids(side)]}
    assert sorted(found) == sorted({*map(str, range(4)), *[f"{number}{n}" for number in range(3) for n in range(3)]})
    assert list(found) == sorted(found, key=lambda key: (-found[key].seen, key))


# -- which orders -------------------------------------------------------------------


async def test_an_order_that_came_after_the_first_row_is_made_of_what_is_found(side: Side) -> None:
    class Before(ReadModel, table="orders_grown", orders=["rank"]):
        id: Key[str]
        rank: int = 0
        size: int = 0

    class After(ReadModel, table="orders_grown", orders=["rank", "-size"]):
        id: Key[str]
        rank: int = 0
        size: int = 0

    for model in (Before, After):
        await side.schema.ensure([model])
    await side.schema.index(After, [(Order("rank"), Order("size"))])
    assert [len(order.order) for order in await orders_of(side, After)] == [1, 1, 2]  # no row yet
    new = Side(side.url)
    await new.open()
    await new.rows.write_direct([Insert(After(id="a", size=1)), Insert(After(id="b", size=2))])
    await side.schema.index(After, [(Order("size"),)])
    await side.rows.write_direct([Insert(Before(id="c", size=3))])  # whose class knows of fewer
    assert len(await orders_of(side, After)) == 3
    for order, found in (("-size", "cba"), ("size", "abc"), (["rank", "size"], "abc")):
        views = Views(side.reads, side, identity=Identity("store", b"secret"))  # type: ignore[arg-type]  # only read
        assert "".join([row.id for row in (await views.page(After, order_by=order)).items]) == found
    await new.rows.ensure([After], 1)
    assert len(await side.catalogue.orders.of(table_of(side.session.keyspace, After, 1))) == 4  # as after a rebuild
    for number in (0, 1):
        await new.rows.drop(["orders_grown"], number)
    left = await side.session.rows("list_tables", side.session.keyspace.strip('"'))
    assert [name for (name,) in left if "orders_grown" in str(name)] == []
    await new.session.close()


async def test_an_order_by_what_is_added_to_is_made_of_what_is_found(side: Side) -> None:
    tickets = [Ticket(id=key, seen=seen) for key, seen in (("a", 10), ("b", 6), ("c", 9), ("d", 8))]
    await side.page(*[(n, Insert(ticket)) for n, ticket in enumerate(tickets)])
    assert await ids(side) == ["a", "c", "d", "b"]
    other = Side(side.url)
    await other.open()
    await other.page((0, Accumulate(Ticket, "b", Ticket(id="b"), add={"seen": 6})), part=1)
    views = Views(side.reads, side, identity=Identity("store", b"secret"))  # type: ignore[arg-type]  # only read
    assert [row.id for row in (await views.page(Ticket, order_by="-seen", size=1)).items] == ["b"]
    noted = f"{side.session.keyspace}.headwater_read_models WHERE name = 'orders_ticket' AND number = 0"
    await other.session.run(f"DELETE accumulated FROM {noted}")
    await other.session.close()


async def test_what_is_too_long_for_an_order_is_refused_before_anything_is_written(side: Side) -> None:
    fits, too_long = Ticket(id="k" * 51_000, desk="d" * 8_000), Ticket(id="k" * 52_000, desk="d" * 8_000)
    await side.rows.write_direct([Insert(fits)])
    for write in (side.rows.write_direct([Insert(too_long)]), side.page((0, Insert(too_long)))):
        with pytest.raises(InvalidMessage, match="too long for a declared order"):
            await write
    assert [len(key) for key in await ids(side)] == [51_000]


async def test_entries_that_are_not_acknowledged_hold_the_row_back(side: Side) -> None:
    real = side.session.write

    async def write(*steps: Step) -> None:
        if steps[0][0].startswith("INSERT"):
            raise StoreUnavailable("no answer")
        await real(*steps)

    with patch.object(side.session, "write", write):
        for writing in (side.page((0, Insert(Ticket(id="a")))), side.rows.write_direct([Insert(Ticket(id="b"))])):
            with pytest.raises(StoreUnavailable):
                await writing
    assert [await side.reads.get(Ticket, key) for key in "ab"] == [None, None]


async def test_verify_finds_rows_without_an_entry_and_counts_entries_without_a_row(side: Side) -> None:
    await side.page(*[(n, Insert(Ticket(id=f"{n}", seen=n))) for n in range(5)])
    await side.page((5, Delete(Ticket, "4")), (6, Update(Ticket, "3", {"desk": "a"})))
    await side.rows.write_direct([Insert(Ticket(id="5")), Update(Ticket, "0", {"seen": 8})])
    assert await said_of(side) == []
    by_seen, by_desk = await orders_of(side)
    await side.session.run(f"TRUNCATE {by_desk.name}")
    for at, key in ((1, "2"), (0, "1")):
        rank = by_seen.rank(side_scalars(Ticket(id=key, seen=77)))
        await side.session.write((by_seen.write, (shard_of(key), rank, 0, -1, key, at)))
    rows = {"desk, -seen: 0", "desk, -seen: 1", "desk, -seen: 2", "desk, -seen: 3", "desk, -seen: 5"}
    said = await said_of(side)
    assert {where.removeprefix("orders_ticket, ordered by ") for what, where in said if "does not list" in what} == rows
    assert [what for what, _ in said if "entries" in what] == [
        "2 entries of a declared order lead to no row: whoever reads them takes them away"
    ]
    await ids(side)
    assert [what for what, _ in await said_of(side) if "entries" in what] == []


async def said_of(side: Side) -> list[tuple[str, str]]:
    return [(found.what, found.where) async for step in OrderVerification(side.session).steps() for found in step]


def side_scalars(ticket: Ticket) -> tuple[Scalar, ...]:
    return schema_of(Ticket).to_scalars(ticket)

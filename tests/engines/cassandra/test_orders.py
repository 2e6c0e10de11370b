"""Declared orders on a real Cassandra: rows are where they stand, whoever writes, dies or comes late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import cast
from unittest.mock import patch

import pytest

from headwater.engines.cassandra.rows.table import table_of
from headwater.engines.cassandra.session import Row, Step
from headwater.errors import InvalidMessage, StoreUnavailable
from headwater.models.changes import Accumulate, Delete, Insert, Update
from headwater.models.criteria import Order
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import Identity
from headwater.read_models.views import Views
from tests.engines.cassandra.sides import Side
from tests.engines.cassandra.tickets import Ticket, entries_of, ids, orders_of, page, side_of_tickets
from tests.engines.cassandra_servers import fresh_keyspace_now


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with fresh_keyspace_now() as url:
        yield url


@pytest.fixture
async def side(url: str) -> AsyncIterator[Side]:
    async with side_of_tickets(url) as side:
        yield side


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

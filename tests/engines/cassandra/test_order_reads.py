"""What reads of declared orders cost on a real Cassandra, what they refuse, and what verify finds of their entries."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from headwater.engines.cassandra.orders.order_table import shard_of
from headwater.engines.cassandra.session import Row, Session
from headwater.engines.cassandra.verifying.order_verification import OrderVerification
from headwater.errors import InvalidCriteria
from headwater.models.changes import Delete, Insert, Update
from headwater.models.fields import Scalar
from headwater.models.model import schema_of
from headwater.models.ordering import OrderLike
from tests.engines.cassandra.sides import Side
from tests.engines.cassandra.tickets import Ticket, ids, orders_of, page, side_of_tickets
from tests.engines.cassandra_servers import fresh_keyspace_now


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with fresh_keyspace_now() as url:
        yield url


@pytest.fixture
async def side(url: str) -> AsyncIterator[Side]:
    async with side_of_tickets(url) as side:
        yield side


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

"""Tickets: a read model with declared orders, and its read side on a real Cassandra."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from headwater.engines.cassandra.orders.order_table import OrderTable
from headwater.engines.cassandra.rows.table import table_of
from headwater.models.model import Indexed, Key, ReadModel
from headwater.models.ordering import OrderLike
from headwater.ports.engine import Identity
from headwater.read_models.views import Page, Views
from tests.engines.cassandra.sides import Side


class Ticket(ReadModel, table="orders_ticket", orders=["-seen", ("desk", "-seen")]):
    id: Key[str]
    desk: Indexed[str] = ""
    seen: int = 0
    title: str = ""


@asynccontextmanager
async def side_of_tickets(url: str) -> AsyncIterator[Side]:
    """With their table and its orders, empty."""
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

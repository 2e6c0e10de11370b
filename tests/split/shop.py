"""A shop whose log is in one store and whose read models are in another: what the tests of both share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from headwater import CQRSManager, RunnerOptions
from headwater.commands.repository import Repository
from headwater.domain.aggregate import Aggregate
from headwater.domain.messages import Command, Query
from headwater.domain.on import on
from headwater.handling.routing import handles
from headwater.ports.engine import Engine
from headwater.projections.handler import ProjectionHandler
from headwater.read_models.views import Views
from tests.projections.mail import Mailing, Post
from tests.projections.shop import Added, StockView

__all__ = ["Add", "GetStock", "add", "once_it_is", "shop", "stock", "units"]


class Add(Command[int]):
    id: str
    units: int


class GetStock(Query[int]):
    id: str


class Item(Aggregate, category="item"):
    units: int = 0

    @on(Added)
    def added(self, event: Added) -> None:
        self.units += event.units


@handles(Add)
async def add_units(command: Add, items: Repository[Item]) -> int:
    item = await items.get_by_id(command.id) or Item(command.id)
    item.emit(Added(units=command.units))
    await items.save(item)
    return item.units


@handles(GetStock)
async def get_stock(query: GetStock, views: Views) -> int:
    row = await views.get(StockView, f"item-{query.id}")
    return 0 if row is None else row.units


def shop(
    log: str | Engine, views: str | Engine, mailing: ProjectionHandler | None = None, **options: float
) -> CQRSManager:
    """An application of two stores. `options` are the runner's; each event is tried once, and a store soon again."""
    runner = RunnerOptions(**({"retries": 0, "pause": 0.01, "longest_pause": 0.05, "watch_seconds": 0.1} | options))  # type: ignore[arg-type]  # some are whole numbers
    projections = [mailing or Mailing(Post())]
    return CQRSManager(log, read_url=views, handlers=[add_units, get_stock], projections=projections, runner=runner)


async def add(cqrs: CQRSManager, count: int, items: int = 3, units: int = 1) -> None:
    """So many commands, dealt round the items."""
    for number in range(count):
        await cqrs.commands.execute(Add(id=str(number % items), units=units))


async def stock(cqrs: CQRSManager) -> dict[str, tuple[int, int]]:
    """Units and events of each item, as they are served."""
    return {row.id: (row.units, row.events) for row in await cqrs.read_models.find(StockView)}


def units(count: int, items: int = 3) -> dict[str, tuple[int, int]]:
    """What `stock` is after `add`."""
    each = [len(range(number, count, items)) for number in range(items)]
    return {f"item-{number}": (events, events) for number, events in enumerate(each) if events}


async def once_it_is(cqrs: CQRSManager, ask: Callable[[], Awaitable[bool]]) -> None:
    """Asked again whenever one of the stores has changed."""
    while True:
        seen = cqrs.engine.wakeups.seen()
        if await ask():
            return
        await cqrs.engine.wakeups.wait(seen, 0.05)

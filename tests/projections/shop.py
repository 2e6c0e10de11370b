"""A small shop on a real engine: what the tests of projections share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from headwater.domain.append import Append, Write
from headwater.domain.event import NewEvent, Recorded
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.domain.token import Token
from headwater.domain.version import AnyVersion
from headwater.handling.ids import uuid7
from headwater.handling.injection import Injector
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import Engine, Identity
from headwater.ports.projection_store import ByEvent, ProjectionCommit
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.read_models.views import Views
from headwater.testing.clock import ManualClock

__all__ = [
    "Added",
    "FaultyStore",
    "HastyWakeups",
    "Noted",
    "Poisonous",
    "Removed",
    "Shop",
    "Stock",
    "StockView",
    "WatchedWakeups",
    "no_sleep",
    "until",
]


class Added(Event, name="ShopAdded"):
    units: int


class Removed(Event, name="ShopRemoved"):
    units: int


class Noted(Event, name="ShopNoted"):
    """An event that no projection handles."""

    text: str = ""


class StockView(ReadModel, table="shop_stock"):
    id: Key[str]
    units: int = 0
    events: int = 0


class Poisonous(Exception):
    """What a handler raises for an event it cannot digest."""


class Stock(ProjectionHandler, writes=[StockView]):
    """Reads, then writes; refuses the amounts in `poison` after having written half of its effect."""

    def __init__(self) -> None:
        self.poison: set[int] = set()
        self.seen: list[tuple[str, int]] = []

    @on(Added)
    async def added(self, e: Recorded[Added], views: Views) -> None:
        row = await views.get(StockView, e.stream) or StockView(id=e.stream)
        units = row.units + e.data.units
        await views.insert(StockView(id=e.stream, units=units, events=row.events + 1))
        if e.data.units in self.poison:
            raise Poisonous(f"{e.data.units} units")
        self.seen.append((e.stream, e.data.units))

    @on(Removed)
    async def removed(self, e: Recorded[Removed], views: Views) -> None:
        await views.add(StockView, e.stream, units=-e.data.units, events=1)


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)


async def until(shop: Shop, ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Until what is asked is what is wanted; asked again whenever the store has changed."""
    while True:
        seen = shop.engine.wakeups.seen()
        if await ask() == wanted:
            return
        await shop.engine.wakeups.wait(seen, 0.05)


class Shop:
    """An engine with what projections need; `append` is the command side."""

    def __init__(self, engine: Engine, identity: Identity, clock: ManualClock) -> None:
        self.engine = engine
        self.identity = identity
        self.clock = clock
        self.registry = Registry()
        self.registry.register(Added, Removed, Noted)
        self.views = Views(engine.read_models, engine.projections, identity=identity)
        self.injector = Injector()
        self.injector.provide(Views, self.views)
        self.options = RunnerOptions(sleep=self.sleep, save_seconds=0.01)
        self.small_pages = RunnerOptions(sleep=self.sleep, batch_size=3)
        self.parts = self.fresh_parts()

    def fresh_parts(self, **others: Any) -> ProjectionParts:
        """The parts as another process would have them; `others` in place of the engine's ports."""
        engine = self.engine
        ports: dict[str, Any] = {
            "log": engine.log,
            "store": engine.projections,
            "generations": engine.generations,
            "conditions": engine.conditions,
            "parking": engine.parking,
            "journal": engine.journal,
            "leases": engine.leases,
            "wakeups": engine.wakeups,
        }
        return ProjectionParts(
            **(ports | others),
            by_event=isinstance(engine.projections, ByEvent),
            schema=engine.read_model_schema,
            registry=self.registry,
            injector=self.injector,
            clock=self.clock,
            timer=self.clock.timer,
        )

    async def sleep(self, seconds: float) -> None:
        """Moves the clock on instead."""
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    def projection_parts(self) -> ProjectionParts:
        return self.parts

    def hasty_wakeups(self, back: float = 0.0) -> HastyWakeups:
        return HastyWakeups(self.clock, back)

    def synchronizer(
        self, *handlers: ProjectionHandler, parts: ProjectionParts | None = None, options: RunnerOptions | None = None
    ) -> ReadModelSynchronizer:
        return ReadModelSynchronizer(parts or self.parts, projection_handlers=handlers, options=options or self.options)

    async def append(self, stream: str, *events: Event) -> Token:
        new = tuple(NewEvent(uuid7(), *self.registry.encode(event)) for event in events)
        write = Write(stream=StreamId.parse(stream), expected=AnyVersion(), events=new)
        appended = await self.engine.events.append(Append(writes=(write,)))
        return Token(self.identity.store_id, tuple((written.stream, written.last) for written in appended.writes))

    async def stock(self) -> dict[str, int]:
        return {row.id: row.units for row in await self.views.find(StockView)}

    async def events_seen(self) -> dict[str, int]:
        """How many events had an effect on each row."""
        return {row.id: row.events for row in await self.views.find(StockView)}


class FaultyStore:
    """A projection store whose commits fail when told to, before or after they happen."""

    def __init__(self, engine: Engine) -> None:
        self._store = engine.projections
        self.before: Callable[[ProjectionCommit], None] = lambda _: None
        self.after: Callable[[ProjectionCommit], None] = lambda _: None

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, commit: ProjectionCommit) -> None:
        self.before(commit)
        await self._store.commit(commit)
        self.after(commit)


class HastyWakeups:
    """Waiting moves the clock instead, and the first time then `back`: nothing ever comes from elsewhere."""

    def __init__(self, clock: ManualClock, back: float = 0.0) -> None:
        self.waited: list[float] = []
        self._clock = clock
        self._back = back

    def seen(self) -> int:
        return 0

    async def wait(self, seen: int, timeout: float) -> int:
        self.waited.append(timeout)
        self._clock.advance(timeout)
        self._clock.advance(-self._back)
        self._back = 0.0
        return seen


class WatchedWakeups:
    """The engine's, telling when somebody begins to wait, but for the crew that keeps watch."""

    def __init__(self, engine: Engine) -> None:
        self._wakeups = engine.wakeups
        self.rests = asyncio.Event()

    def seen(self) -> int:
        return self._wakeups.seen()

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        return await self._wakeups.changes(models)

    async def wait(self, seen: int, timeout: float) -> int:
        task = asyncio.current_task()
        if self._wakeups.seen() <= seen and task is not None and task.get_name() != "projections":
            self.rests.set()
        return await self._wakeups.wait(seen, timeout)

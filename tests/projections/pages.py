"""Pages handed to a projection by hand: what the tests of their handling share. Nothing is committed."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.domain.registry import Registry
from headwater.engines.memory import MemoryEngine
from headwater.handling.batch import Batch
from headwater.handling.ids import uuid7
from headwater.handling.injection import Injector
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import Identity
from headwater.projections.decoding import Decoder
from headwater.projections.handler import ProjectionHandler
from headwater.projections.lanes import handle_in_lanes
from headwater.projections.page import Outcome, PageHandler
from headwater.projections.parts import RunnerOptions
from headwater.projections.projection import bind
from headwater.read_models.views import Views

__all__ = ["ALWAYS", "Chain", "Flaky", "Linked", "Linking", "Noting", "Pages", "link", "unregistered"]

ALWAYS = 1_000
"""How often an event fails that never succeeds."""


class Linked(Event, name="PageLinked"):
    """An event of a key that is noted in a row, which may be another key's, too."""

    key: str
    row: str
    number: int


class Chain(ReadModel, table="page_chains"):
    id: Key[str]
    numbers: str = ""
    """Of the events noted, in order."""
    total: int = 0


class Flaky(Exception):
    """What a handler raises that may go well another time."""


class Noting:
    """Reads, lets others run, writes; then fails as often as `failing` says of the number."""

    def __init__(self) -> None:
        self.failing: dict[int, tuple[type[Exception], int]] = {}
        self.calls: Counter[int] = Counter()

    async def note(self, e: Recorded[Linked], views: Views) -> None:
        self.calls[e.data.number] += 1
        row = await views.get(Chain, e.data.row) or Chain(id=e.data.row)
        await asyncio.sleep(0)
        await views.insert(Chain(id=row.id, numbers=f"{row.numbers}{e.data.number},", total=row.total + 1))
        error, times = self.failing.get(e.data.number, (Flaky, 0))
        if self.calls[e.data.number] <= times:
            raise error(f"number {e.data.number}")


class Linking(Noting, ProjectionHandler, writes=[Chain], key="key"):
    @on(Linked)
    async def link(self, e: Recorded[Linked], views: Views) -> None:
        await self.note(e, views)


def link(offset: int, key: str, row: str | None = None, stream: str | None = None) -> StoredEvent:
    """A stored event whose number is its offset; by default every key is a stream and a row of its own."""
    data = msgspec.json.encode({"key": key, "row": row or key, "number": offset})
    return _stored(offset, stream or f"chain-{key}", "PageLinked", data)


def unregistered(offset: int, stream: str) -> StoredEvent:
    """A stored event of a type that no registry knows."""
    return _stored(offset, stream, "PageUnregistered", b"{}")


def _stored(offset: int, stream: str, type: str, data: bytes) -> StoredEvent:
    return StoredEvent(
        partition=0,
        offset=offset,
        stream=stream,
        version=offset + 1,
        event_id=uuid7(),
        timestamp=0,
        type=type,
        schema=1,
        data=data,
        context=b"",
    )


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)


class Pages:
    """One projection, and what its pages do to the rows of an engine."""

    batch: Batch
    """Of the last page."""

    def __init__(self, handler: ProjectionHandler, width: int = 1, *, by_event: bool = False, **options: Any) -> None:
        self.by_event = by_event
        self._engine = MemoryEngine()
        self._width = width
        self._registry = Registry()
        self._registry.register(Linked)
        self.blocked: set[str] = set()
        injector = Injector()
        identity = Identity("pages", b"secret")
        self.views = Views(self._engine.read_models, self._engine.projections, identity=identity)
        injector.provide(Views, self.views)
        self.projection = bind(handler, injector)
        options = {"sleep": no_sleep, **options}
        self.handler = PageHandler(self.projection, RunnerOptions(**options), generation=7, now=1_000_000)

    async def handle(self, *events: StoredEvent) -> Outcome:
        """A page; what may be kept of its changes is written."""
        await self._engine.open()
        await self._engine.read_model_schema.ensure([Chain])
        declared = self.projection.declared
        batch = self.batch = Batch(
            declared.name, declared.writes, commutative=declared.commutative, by_event=self.by_event
        )
        decoded = Decoder(self._registry).page(events)
        if self._width > 1:
            outcome = await handle_in_lanes(self.handler, events, decoded, batch, self.blocked, self._width)
        else:
            outcome = await self.handler.handle(events, decoded, batch, self.blocked)
        await self._engine.projections.write(batch.changes)
        return outcome

    async def chains(self) -> dict[str, list[int]]:
        """The numbers noted in each row, in order."""
        rows = await self.views.find(Chain)
        return {row.id: [int(number) for number in row.numbers.split(",") if number] for row in rows}

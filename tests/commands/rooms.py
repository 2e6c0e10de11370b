"""Rooms with boards: decisions over boundaries on a memory engine that is watched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from headwater.commands.boundaries import Boundaries
from headwater.domain.aggregate import Aggregate
from headwater.domain.append import Append, Appended
from headwater.domain.boundary import Boundary, BoundaryPage, Mark
from headwater.domain.event import NewEvent
from headwater.domain.messages import Command, Event
from headwater.domain.on import on
from headwater.domain.stream import StreamId
from headwater.domain.tags import Tag
from headwater.domain.upcaster import Upcaster
from headwater.engines.memory import MemoryEngine
from headwater.engines.memory.event_store import MemoryEventStore
from headwater.engines.memory.state import Part
from headwater.handling.routing import handles
from headwater.manager import CQRSManager
from headwater.testing.controls import append_of, new_event

__all__ = [
    "NOTHING",
    "R1",
    "ROOM",
    "Application",
    "Board",
    "Note",
    "Noted",
    "Texts",
    "Wiped",
    "board",
    "note",
    "noted",
    "texts",
]

ROOM = Tag("room")
R1 = Boundary(tags=["room:r1"])


class Noted(Event):
    room: Annotated[str, ROOM]
    text: str = ""


class Wiped(Event):
    room: Annotated[str, ROOM]


class Note(Command["Texts"]):
    room: str = "r1"
    text: str = "new"


class Board(Aggregate, category="board"):
    texts: tuple[str, ...] = ()

    @on(Noted)
    def noted(self, e: Noted) -> None:
        self.texts += (e.text,)


Texts = tuple[str, ...]
NOTHING: Texts = ()


def texts(before: Texts, event: Noted | Wiped) -> Texts:
    return (*before, event.text) if isinstance(event, Noted) else ()


def board(name: str = "b1") -> StreamId:
    return StreamId("board", name)


@handles(Note)
async def note(c: Note, boundaries: Boundaries) -> Texts:
    known = await boundaries.fold(Boundary(tags=[ROOM.of(c.room)]), texts, NOTHING)
    await boundaries.append(board(f"b{len(known)}"), Noted(room=c.room, text=c.text))
    return known


class Store(MemoryEventStore):
    """Notes from which mark a boundary is read, and lets others in before an append."""

    def __init__(self, engine: MemoryEngine) -> None:
        assert isinstance(engine.events, Part)
        super().__init__(engine.events._store)
        self.read_from: list[int] = []
        self.rivals: list[str] = []

    async def read_within(self, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
        self.read_from.append(sum(after.offsets))
        return await super().read_within(boundary, after, limit)

    async def append_within(self, append: Append) -> Appended:
        if self.rivals:
            await self.append(append_of(board("rival"), [noted(self.rivals.pop(0))]))
        return await super().append_within(append)


def noted(text: str, type: str = "Noted") -> NewEvent:
    return new_event(type, b'{"room":"r1","text":"%s"}' % text.encode(), tags=("room:r1",))


class Application:
    """A manager on a memory engine that is watched."""

    def __init__(
        self, *handlers: object, tries: int = 3, partitions: int = 4, upcasters: Sequence[Upcaster] = ()
    ) -> None:
        self.engine = MemoryEngine(partitions)
        self.store = Store(self.engine)
        self.engine.events = self.store
        self.cqrs = CQRSManager(
            self.engine, handlers=handlers, events=[Noted, Wiped], conflict_tries=tries, upcasters=upcasters
        )

    async def __aenter__(self) -> Application:
        await self.cqrs.initialize()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cqrs.close()

    async def within(self, boundary: Boundary = R1) -> list[bytes]:
        return [event.data for event in (await self.store.read_within(boundary, Mark(), 100)).events]

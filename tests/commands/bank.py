"""A small bank on the memory engine: what the tests of commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, TypeVar

from headwater.commands.bus import CommandBus
from headwater.commands.committing import Committer
from headwater.commands.replay import Replay
from headwater.commands.repository import Repository
from headwater.domain.aggregate import Aggregate
from headwater.domain.append import Append, Appended, Write
from headwater.domain.event import StoredEvent
from headwater.domain.messages import Command, Event
from headwater.domain.on import on
from headwater.domain.registry import Registry
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion
from headwater.engines.memory.engine import MemoryEngine
from headwater.errors import DomainError
from headwater.handling.injection import Injector
from headwater.limits import Limits
from headwater.messaging.bus import EventBus
from headwater.ports.engine import EngineOptions
from headwater.ports.event_store import FoldRows
from headwater.ports.middleware import Middleware
from headwater.testing.controls import atomic

__all__ = [
    "Account",
    "Bank",
    "Deposit",
    "Deposited",
    "Open",
    "Opened",
    "Overdrawn",
    "RecordingStore",
    "Withdraw",
    "Withdrawn",
]

A = TypeVar("A", bound=Aggregate)


class Opened(Event):
    owner: str


class Deposited(Event):
    amount: int


class Withdrawn(Event):
    amount: int


class Open(Command[str]):
    id: str
    owner: str


class Deposit(Command[int]):
    id: str
    amount: int


class Withdraw(Command[int]):
    id: str
    amount: int


class Overdrawn(DomainError):
    pass


class Account(Aggregate, category="account"):
    owner: str = ""
    balance: int = 0

    @classmethod
    def open(cls, id: str, owner: str) -> Self:
        return cls.new(id, Opened(owner=owner), unique=[("owner", owner)])

    def deposit(self, amount: int) -> int:
        self.emit(Deposited(amount=amount))
        return self.balance

    def withdraw(self, amount: int) -> int:
        if amount > self.balance:
            raise Overdrawn(f"{self.balance} is less than {amount}")
        self.emit(Withdrawn(amount=amount))
        return self.balance

    @on(Opened)
    def opened(self, e: Opened) -> None:
        self.owner = e.owner

    @on(Deposited)
    def deposited(self, e: Deposited) -> None:
        self.balance += e.amount

    @on(Withdrawn)
    def withdrawn(self, e: Withdrawn) -> None:
        self.balance -= e.amount


class RecordingStore:
    """An event store that notes what is asked of it, and lets others in before an append."""

    def __init__(self, inner: MemoryEngine) -> None:
        self._inner = inner
        self.appends: list[Append] = []
        self.folds: list[tuple[str, int, int]] = []
        """Stream, version after which was read, and how many rows came."""
        self.rivals: list[Append] = []
        """Committed one by one, each just before the next append."""

    async def append(self, append: Append) -> Appended:
        return await self.append_atomic(append)

    async def append_atomic(self, append: Append) -> Appended:
        self.appends.append(append)
        if self.rivals:
            await self._inner.events.append(self.rivals.pop(0))
        return await atomic(self._inner).append_atomic(append)

    async def load(self, stream: StreamId, after: int = 0, up_to: int | None = None) -> Sequence[StoredEvent]:
        return await self._inner.events.load(stream, after, up_to)

    async def fold_rows(self, stream: StreamId, after: int = 0) -> FoldRows:
        found = await self._inner.events.fold_rows(stream, after)
        self.folds.append((str(stream), after, len(found.rows)))
        return found

    async def head(self, stream: StreamId) -> int:
        return await self._inner.events.head(stream)

    async def count(self, category: str) -> int:
        return await self._inner.events.count(category)


class Bank:
    """A bus with a store, and the parts behind it."""

    def __init__(self, middleware: Sequence[Middleware] = (), limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.engine = MemoryEngine(options=EngineOptions(limits=limits))
        self.store = RecordingStore(self.engine)
        self.registry = Registry(limits)
        self.registry.register(Opened, Deposited, Withdrawn)
        self.committer = Committer(self.store, self.registry)
        self.topics = EventBus(registry=self.registry)
        injector = Injector()
        injector.provide(EventBus, self.topics)
        injector.provide_generic(Repository, self.repository)
        self.bus = CommandBus(
            middleware=middleware,
            registry=self.registry,
            injector=injector,
            committer=self.committer,
            command_log=self.engine.commands,
            replay=Replay(self.store, self.registry),
        )
        injector.provide(CommandBus, self.bus)
        self.accounts = self.repository(Account)

    async def open(self, *handlers: object) -> Self:
        await self.engine.open()
        self.bus.identify("bank")
        self.bus.register(*handlers)
        return self

    def repository(self, aggregate: type[A]) -> Repository[A]:
        engine = self.engine
        return Repository(aggregate, self.store, engine.unique_keys, self.registry, self.committer, engine.snapshots)

    async def account(self, id: str, *events: object) -> None:
        """An account with these events behind it."""
        await self.accounts.save(Account.new(id, Opened(owner=id), *events))
        self.store.appends.clear()
        self.store.folds.clear()

    def rival(self, id: str, *events: object) -> None:
        """Somebody else's append, committed just before the next one."""
        new = tuple([self.committer.encode(event) for event in events])
        write = Write(stream=StreamId("account", id), expected=AnyVersion(), events=new)
        self.store.rivals.append(Append(writes=(write,)))

    async def events(self, id: str) -> list[object]:
        """The events of an account, hidden ones left out."""
        found = await self.engine.events.fold_rows(StreamId("account", id))
        return self.registry.decode_many(found.rows)

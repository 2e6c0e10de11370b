"""Accounts: what the tests of folds and lifecycles share."""

from __future__ import annotations

import asyncio
from pathlib import Path

from headwater.domain.aggregate import Aggregate
from headwater.domain.append import Append, Write
from headwater.domain.event import NewEvent, Recorded
from headwater.domain.messages import Event
from headwater.domain.on import on
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion
from headwater.engines.sqlite import open_engine
from headwater.errors import DomainError
from headwater.handling.ids import uuid7
from headwater.manager import CQRSManager
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import Engine, EngineOptions
from headwater.projections.fold import Fold
from headwater.projections.handler import ProjectionHandler
from headwater.projections.parts import RunnerOptions
from headwater.read_models.views import Views
from tests.projections.shop import Poisonous, no_sleep

__all__ = [
    "FAST",
    "Account",
    "AccountView",
    "Balances",
    "Closed",
    "Deposited",
    "Opened",
    "OwnerView",
    "Owners",
    "Refused",
    "Withdrawn",
    "application",
    "deposits",
    "head",
    "on_file",
    "rows",
    "write",
    "write_as",
]

FAST = RunnerOptions(sleep=no_sleep, save_seconds=0.01, watch_seconds=0.2, batch_size=7)


class Opened(Event, name="AccountOpened"):
    owner: str


class Deposited(Event, name="AccountDeposited"):
    amount: int


class Withdrawn(Event, name="AccountWithdrawn"):
    amount: int


class Closed(Event, name="AccountClosed"):
    pass


class Account(Aggregate, category="account"):
    balance: int = 0

    @on(Opened)
    def opened(self, e: Opened) -> None: ...

    @on(Deposited)
    def deposited(self, e: Deposited) -> None:
        self.balance += e.amount

    @on(Withdrawn)
    def withdrawn(self, e: Withdrawn) -> None:
        self.balance -= e.amount

    @on(Closed)
    def closed(self, e: Closed) -> None: ...


class AccountView(ReadModel, table="account_view"):
    id: Key[str]
    owner: str = ""
    balance: int = 0
    events: int = 0


class Balances(Fold[AccountView], category="account"):
    """Refuses the amounts in `poison`."""

    def __init__(self) -> None:
        self.poison: set[int] = set()
        self.steps = self.refused = 0

    @on(Opened)
    def opened(self, row: AccountView | None, e: Recorded[Opened]) -> AccountView | None:
        return self._with(row, e.stream, e.data.owner, 0)

    @on(Deposited)
    def deposited(self, row: AccountView | None, e: Recorded[Deposited]) -> AccountView | None:
        if e.data.amount in self.poison:
            self.refused += 1
            raise Poisonous(f"{e.data.amount}")
        return self._with(row, e.stream, None, e.data.amount)

    @on(Withdrawn)
    def withdrawn(self, row: AccountView | None, e: Recorded[Withdrawn]) -> AccountView | None:
        return self._with(row, e.stream, None, -e.data.amount)

    @on(Closed)
    def closed(self, row: AccountView | None, e: Recorded[Closed]) -> AccountView | None:
        return None

    def _with(self, row: AccountView | None, stream: str, owner: str | None, amount: int) -> AccountView:
        self.steps += 1
        before = row or AccountView(id=stream.partition("-")[2])
        return AccountView(
            id=before.id,
            owner=before.owner if owner is None else owner,
            balance=before.balance + amount,
            events=before.events + 1,
        )


def on_file(folder: Path) -> Engine:
    """A store in a folder, not open yet."""
    return open_engine(f"sqlite:///{folder}/accounts.db", EngineOptions())


def application(engine: Engine, *projections: ProjectionHandler, run: bool = True) -> CQRSManager:
    cqrs = CQRSManager(engine, projections=projections, runner=FAST, run_projections=run)
    cqrs.repository(Account)
    return cqrs


async def write(cqrs: CQRSManager, id: str, *events: Event) -> None:
    """Append to an account as a repository does."""
    accounts = cqrs.repository(Account)
    account = await accounts.get_by_id(id) or Account(id)
    for event in events:
        account.emit(event)
    await accounts.save(account)


async def rows(cqrs: CQRSManager) -> dict[str, tuple[str, int, int]]:
    """What is stored: owner, balance and how many events, by account."""
    found = await cqrs.read_models.find(AccountView)
    return {row.id: (row.owner, row.balance, row.events) for row in found}


async def write_as(cqrs: CQRSManager, stream: str, partition_key: str | None, *events: Event) -> None:
    """Append to any stream, past the application's own append: what runs inline passes it by."""
    new = tuple([NewEvent(uuid7(), *cqrs.registry.encode(event)) for event in events])
    write = Write(stream=StreamId.parse(stream), expected=AnyVersion(), events=new, partition_key=partition_key)
    await cqrs.engine.events.append(Append(writes=(write,)))


class OwnerView(ReadModel, table="owner_view"):
    owner: Key[str]
    accounts: int = 0
    deposits: int = 0


class Refused(DomainError):
    pass


class Owners(ProjectionHandler, writes=[OwnerView]):
    """Reads and writes through its views, and fails where it is told to."""

    def __init__(self) -> None:
        self.fails: dict[int, Exception] = {}
        self.waits: set[int] = set()

    @on(Opened)
    async def opened(self, e: Recorded[Opened], views: Views) -> None:
        row = await views.get(OwnerView, e.data.owner) or OwnerView(owner=e.data.owner)
        await views.insert(OwnerView(owner=row.owner, accounts=row.accounts + 1, deposits=row.deposits))

    @on(Deposited)
    async def deposited(self, e: Recorded[Deposited], views: Views) -> None:
        await views.add(OwnerView, "all", deposits=1)
        if e.data.amount in self.fails:
            raise self.fails[e.data.amount]
        if e.data.amount in self.waits:
            await asyncio.sleep(0)


async def head(cqrs: CQRSManager) -> int:
    return sum([await cqrs.engine.log.head(partition) for partition in range(cqrs.engine.log.partitions)])


async def deposits(cqrs: CQRSManager) -> int:
    row = await cqrs.read_models.get(OwnerView, "all")
    return 0 if row is None else row.deposits

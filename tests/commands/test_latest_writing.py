"""fetch_for_writing: decide by the row of a stream, and append on condition that it is still so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from headwater.commands.latest import Latest
from headwater.commands.repository import Repository
from headwater.domain.aggregate import Aggregate
from headwater.domain.event import Recorded
from headwater.domain.messages import Command, Event
from headwater.domain.on import on
from headwater.engines.memory import MemoryEngine
from headwater.errors import BadDeclaration, DomainError, InvalidMessage, UnknownName, WrongExpectedVersion
from headwater.handling.routing import handles
from headwater.manager import CQRSManager
from headwater.models.model import Key, ReadModel
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.projections.fold import Fold
from headwater.projections.lifecycle import inline, live
from tests.projections.accounts import (
    FAST,
    Account,
    AccountView,
    Balances,
    Deposited,
    Withdrawn,
    application,
    write,
)
from tests.stores import ENGINES

pytestmark = pytest.mark.above_engines


def _async(fold: Balances) -> Balances:
    return fold


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Engine:
    return open_engine(url_of(request.param), EngineOptions())


@pytest.fixture(params=[_async, pytest.param(inline, marks=pytest.mark.transactional), live])
def fold(request: pytest.FixtureRequest) -> Balances:
    lifecycle: Callable[[Balances], Balances] = request.param
    return lifecycle(Balances())


class Overdrawn(DomainError):
    pass


class Withdraw(Command[int]):
    id: str
    amount: int


@handles(Withdraw)
async def withdraw(c: Withdraw, latest: Latest) -> int:
    async with latest.fetch_for_writing(AccountView, c.id) as account:
        balance = account.row.balance if account.row else 0
        if balance < c.amount:
            raise Overdrawn(f"{balance} < {c.amount}")
        account.append(Withdrawn(amount=c.amount))
    return balance - c.amount


async def version(cqrs: CQRSManager, id: str = "a1") -> int:
    account = await cqrs.repository(Account).get_by_id(id)
    return 0 if account is None else account.version


async def balance(cqrs: CQRSManager, id: str = "a1") -> int:
    row = await cqrs.fetch_latest(AccountView, id)
    return 0 if row is None else row.balance


# -- outside a command -------------------------------------------------------------


async def test_what_is_appended_is_committed_when_the_block_is_left(engine: Engine, fold: Balances) -> None:
    async with application(engine, fold) as cqrs:
        async with cqrs.fetch_for_writing(AccountView, "a1") as account:
            assert (account.row, account.version) == (None, 0)
            account.append(Deposited(amount=5), Deposited(amount=6))
        async with cqrs.fetch_for_writing(AccountView, "a1") as account:
            assert account.row == AccountView(id="a1", balance=11, events=2)
            assert account.version == 2
            account.append(Withdrawn(amount=1))
        assert await balance(cqrs) == 10


async def test_the_loser_of_two_learns_it(engine: Engine, fold: Balances) -> None:
    async with application(engine, fold) as cqrs:
        loser = cqrs.fetch_for_writing(AccountView, "a1")
        (await loser.__aenter__()).append(Deposited(amount=2))
        async with cqrs.fetch_for_writing(AccountView, "a1") as winner:
            winner.append(Deposited(amount=1))
        with pytest.raises(WrongExpectedVersion):
            await loser.__aexit__(None, None, None)
        assert await balance(cqrs) == 1


async def test_nothing_is_committed_where_the_block_raises_or_says_nothing(engine: Engine, fold: Balances) -> None:
    async def refused() -> None:
        async with cqrs.fetch_for_writing(AccountView, "a1") as account:
            account.append(Withdrawn(amount=5))
            raise Overdrawn

    async with application(engine, fold) as cqrs:
        with pytest.raises(Overdrawn):
            await refused()
        async with cqrs.fetch_for_writing(AccountView, "a1"):
            pass
        assert await version(cqrs) == 0


async def test_an_event_that_cannot_be_stored_is_refused_whole(engine: Engine, fold: Balances) -> None:
    class Unknown(Event):
        pass

    async with application(engine, fold) as cqrs:
        with pytest.raises(UnknownName):
            async with cqrs.fetch_for_writing(AccountView, "a1") as account:
                account.append(Deposited(amount=1), Unknown())
        assert await version(cqrs) == 0


# -- in a command's handler --------------------------------------------------------


async def test_in_a_handler_it_is_staged_and_committed_with_the_command(engine: Engine, fold: Balances) -> None:
    async with CQRSManager(engine, projections=[fold], handlers=[withdraw], runner=FAST) as cqrs:
        await write(cqrs, "a1", Deposited(amount=9))
        first = await cqrs.commands.execute(Withdraw(id="a1", amount=4), command_id="c1")
        again = await cqrs.commands.execute(Withdraw(id="a1", amount=4), command_id="c1")
        assert (first.result, again.result, again.replayed) == (5, 5, True)
        assert first.events == (Withdrawn(amount=4),)
        with pytest.raises(Overdrawn):
            await cqrs.commands.execute(Withdraw(id="a1", amount=6))
        assert await balance(cqrs) == 5


async def test_those_that_contend_are_decided_again(engine: Engine, fold: Balances) -> None:
    async with CQRSManager(engine, projections=[fold], handlers=[withdraw], runner=FAST) as cqrs:
        await write(cqrs, "a1", Deposited(amount=10))
        outcomes = await asyncio.gather(
            *(cqrs.commands.execute(Withdraw(id="a1", amount=3)) for _ in range(5)), return_exceptions=True
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Overdrawn"] * 2 + ["Receipt"] * 3
        assert await balance(cqrs) == 1


class Transfer(Command[None]):
    to: str


async def test_a_command_appends_to_one_stream(engine: Engine, fold: Balances) -> None:
    @handles(Transfer)
    async def transfer(c: Transfer, latest: Latest) -> None:
        async with latest.fetch_for_writing(AccountView, "a1") as source:
            source.append(Withdrawn(amount=1))
        async with latest.fetch_for_writing(AccountView, c.to) as target:
            target.append(Deposited(amount=1))

    async with CQRSManager(engine, projections=[fold], handlers=[transfer], runner=FAST) as cqrs:
        with pytest.raises(BadDeclaration, match="a command commits one append"):
            await cqrs.commands.execute(Transfer(to="a2"))
        with pytest.raises(BadDeclaration, match="two copies of account-a1"):
            await cqrs.commands.execute(Transfer(to="a1"))
        assert await version(cqrs) == 0


async def test_a_repository_may_load_the_same_stream(engine: Engine, fold: Balances) -> None:
    @handles(Transfer)
    async def both(c: Transfer, latest: Latest, accounts: Repository[Account]) -> None:
        async with latest.fetch_for_writing(AccountView, c.to) as account:
            loaded = await accounts.load(c.to)
            assert account.row is not None
            assert (loaded.balance, loaded.version) == (account.row.balance, account.version)
            account.append(Deposited(amount=loaded.balance))

    async with CQRSManager(engine, projections=[fold], handlers=[both], runner=FAST) as cqrs:
        await write(cqrs, "a1", Deposited(amount=3), Deposited(amount=4))
        await cqrs.commands.execute(Transfer(to="a1"))
        assert await balance(cqrs) == 14


# -- co-located streams ------------------------------------------------------------


class Ordered(Event, name="LatestOrdered"):
    customer: str


class OrderView(ReadModel, table="latest_order"):
    id: Key[str]
    orders: int = 0


class Order(Aggregate, category="order", partition_by="customer"):
    customer: str = ""

    @on(Ordered)
    def ordered(self, e: Ordered) -> None:
        self.customer = e.customer


class Orders(Fold[OrderView]):
    @on(Ordered)
    def ordered(self, row: OrderView | None, e: Recorded[Ordered]) -> OrderView | None:
        return OrderView(id=e.stream.partition("-")[2], orders=(row.orders if row else 0) + 1)


@pytest.mark.parametrize("partitions", [1, 4])
async def test_a_stream_keeps_its_partition_key(partitions: int) -> None:
    cqrs = CQRSManager(MemoryEngine(partitions), projections=[Orders()], runner=FAST)
    orders = cqrs.repository(Order)
    async with cqrs:
        await orders.save(Order.new("o1", Ordered(customer="ann")))
        async with cqrs.fetch_for_writing(OrderView, "o1", partition_key="ann") as order:
            assert order.row == OrderView(id="o1", orders=1)
            order.append(Ordered(customer="ann"))
        with pytest.raises(InvalidMessage, match="a stream keeps its partition key"):
            async with cqrs.fetch_for_writing(OrderView, "o1") as order:
                order.append(Ordered(customer="ann"))
        await cqrs.synchronizer.caught_up()
        assert await cqrs.fetch_latest(OrderView, "o1") == OrderView(id="o1", orders=2)

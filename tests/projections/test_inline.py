"""Inline projections: rows there when execute returns, in one transaction with the events, or none of both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from headwater.commands.repository import Repository
from headwater.domain.event import Recorded
from headwater.domain.messages import Command
from headwater.domain.on import on
from headwater.engines.memory import MemoryEngine
from headwater.errors import (
    BadDeclaration,
    InlineHandlerFailed,
    InlineHandlerSuspended,
    InvalidMessage,
    NotOwner,
)
from headwater.handling.routing import handles
from headwater.manager import CQRSManager
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.ports.event_store import EventStore
from headwater.projections.after_commit import after_commit
from headwater.projections.error_policy import ErrorPolicy
from headwater.projections.handler import ProjectionHandler
from headwater.projections.lifecycle import inline
from headwater.read_models.views import Views
from tests.projections.accounts import (
    FAST,
    Account,
    AccountView,
    Balances,
    Deposited,
    Opened,
    Owners,
    OwnerView,
    Refused,
    Withdrawn,
    application,
    deposits,
    head,
    rows,
    write,
)
from tests.projections.shop import Poisonous
from tests.stores import ENGINES

pytestmark = pytest.mark.transactional


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Engine:
    return open_engine(url_of(request.param), EngineOptions())


class Deposit(Command[int]):
    id: str
    amount: int


@handles(Deposit)
async def deposit(c: Deposit, accounts: Repository[Account]) -> int:
    account = await accounts.get_by_id(c.id) or Account(c.id)
    account.emit(Deposited(amount=c.amount))
    await accounts.save(account)
    return account.balance


# -- with the events -------------------------------------------------------------


async def test_rows_are_there_when_execute_returns(engine: Engine) -> None:
    projections = [inline(Balances()), inline(Owners())]
    async with CQRSManager(engine, projections=projections, handlers=[deposit], run_projections=False) as cqrs:
        for amount in (5, 7):
            await cqrs.commands.execute(Deposit(id="a1", amount=amount))
        assert await rows(cqrs) == {"a1": ("", 12, 2)}
        assert await deposits(cqrs) == 2


async def test_a_handler_sees_its_own_and_earlier_changes(engine: Engine) -> None:
    async with application(engine, inline(Owners()), run=False) as cqrs:
        await write(cqrs, "a1", Opened(owner="ann"), Opened(owner="ann"))
        await write(cqrs, "a2", Opened(owner="ann"))
        row = await cqrs.read_models.get(OwnerView, "ann")
        assert row == OwnerView(owner="ann", accounts=3)


async def test_rows_kept_in_memory_are_forgotten(engine: Engine) -> None:
    async with CQRSManager(
        engine, projections=[inline(Balances())], handlers=[deposit], row_caching={"enabled": True, "ttl": 300}
    ) as cqrs:
        for total in (1, 2, 3):
            await cqrs.commands.execute(Deposit(id="a1", amount=1))
            row = await cqrs.read_models.get(AccountView, "a1")
            assert row is not None
            assert row.balance == total


async def test_waiting_for_one_that_runs_inline_returns(engine: Engine) -> None:
    async with CQRSManager(engine, projections=[inline(Balances())], handlers=[deposit], runner=FAST) as cqrs:
        for amount in range(1, 6):
            await cqrs.commands.execute(Deposit(id="a1", amount=amount), wait_for=[Balances], wait_timeout=10)


async def test_side_effects_follow_what_was_handled_inline(engine: Engine) -> None:
    class Notifying(Balances):
        def __init__(self) -> None:
            super().__init__()
            self.told: asyncio.Queue[int] = asyncio.Queue()

        @after_commit(Deposited)
        async def tell(self, e: Recorded[Deposited]) -> None:
            self.told.put_nowait(e.data.amount)

    fold = Notifying()
    async with application(engine, inline(fold)) as cqrs:
        for amount in (3, 5, 9):
            await write(cqrs, "a1", Deposited(amount=amount))
            assert await fold.told.get() == amount
        assert fold.told.empty()


# -- or not at all ---------------------------------------------------------------


async def test_what_a_handler_raises_refuses_the_command(engine: Engine) -> None:
    owners = Owners()
    owners.fails = {13: Poisonous("thirteen"), 14: Refused("fourteen")}
    projections = [inline(Balances()), inline(owners)]
    async with CQRSManager(engine, projections=projections, handlers=[deposit], run_projections=False) as cqrs:
        await cqrs.commands.execute(Deposit(id="a1", amount=1))
        before = await rows(cqrs), await deposits(cqrs), await head(cqrs)
        with pytest.raises(InlineHandlerFailed, match="'owners', which runs inline, raised Poisonous") as failed:
            await cqrs.commands.execute(Deposit(id="a1", amount=13))
        assert isinstance(failed.value.__cause__, Poisonous)
        with pytest.raises(Refused):
            await cqrs.commands.execute(Deposit(id="a1", amount=14))
        assert (await rows(cqrs), await deposits(cqrs), await head(cqrs)) == before
        await cqrs.commands.execute(Deposit(id="a1", amount=2))
        assert (await rows(cqrs), await deposits(cqrs)) == ({"a1": ("", 3, 2)}, 2)


async def test_a_handler_that_waits_is_refused(engine: Engine) -> None:
    owners = Owners()
    owners.waits = {13}
    async with application(engine, inline(owners), run=False) as cqrs:
        with pytest.raises(InlineHandlerSuspended, match="'owners' waits for something outside"):
            await write(cqrs, "a1", Deposited(amount=13))
        assert (await head(cqrs), await deposits(cqrs)) == (0, 0)
        await write(cqrs, "a1", Deposited(amount=1))
        assert await deposits(cqrs) == 1


async def test_a_model_it_does_not_declare_refuses_the_command(engine: Engine) -> None:
    class Greedy(ProjectionHandler, writes=[OwnerView]):
        @on(Deposited)
        async def deposited(self, e: Recorded[Deposited], views: Views) -> None:
            await views.insert(AccountView(id="a1"))

    async with application(engine, inline(Greedy()), Balances(), run=False) as cqrs:
        with pytest.raises(NotOwner):
            await write(cqrs, "a1", Deposited(amount=1))
        assert await head(cqrs) == 0


async def test_a_row_that_does_not_fit_refuses_the_command(engine: Engine) -> None:
    class Wrong(Balances):
        @on(Withdrawn)
        def withdrawn(self, row: AccountView | None, e: Recorded[Withdrawn]) -> AccountView | None:
            return AccountView(id="another")

    async with application(engine, inline(Wrong()), run=False) as cqrs:
        with pytest.raises(InvalidMessage, match="a row has the key of its events"):
            await write(cqrs, "a1", Withdrawn(amount=1))
        assert await head(cqrs) == 0


async def test_an_error_that_is_to_be_skipped_takes_back_the_changes_of_its_event(engine: Engine) -> None:
    class Lenient(Owners, errors={Poisonous: ErrorPolicy(then="skip")}):
        pass

    owners = Lenient()
    owners.fails = {13: Poisonous("thirteen")}
    async with application(engine, inline(owners), run=False) as cqrs:
        await write(cqrs, "a1", Deposited(amount=1), Deposited(amount=13), Deposited(amount=2))
        assert (await deposits(cqrs), await head(cqrs)) == (2, 3)


# -- refused ---------------------------------------------------------------------


class _Plain:
    """An event store that appends, and no more."""

    def __init__(self, inner: EventStore) -> None:
        self.append, self.load, self.fold_rows = inner.append, inner.load, inner.fold_rows
        self.head, self.count = inner.head, inner.count


async def test_an_engine_that_cannot_is_told_at_start_up() -> None:
    engine = MemoryEngine()
    engine.events = _Plain(engine.events)
    with pytest.raises(BadDeclaration, match=r"Balances is to run inline, and memory cannot .* without"):
        async with application(engine, inline(Balances())):
            pass
    async with application(MemoryEngine(), Balances()):
        pass


def test_several_key_ranges_are_refused() -> None:
    class Ranged(Balances, key="owner", key_ranges=4):
        pass

    with pytest.raises(BadDeclaration, match="key_ranges="):
        inline(Ranged())

"""One execution: its time limit, its cancellation, and commands inside commands."""

from __future__ import annotations

import asyncio
import json
import re
from typing import cast

import pytest

from headwater.commands.bus import CommandBus
from headwater.commands.context import current_command
from headwater.commands.repository import Repository
from headwater.domain.append import Append, Appended
from headwater.domain.messages import Command
from headwater.domain.metadata import Context
from headwater.errors import (
    AppendOutcomeUnknown,
    CommandTimeout,
    InvalidInput,
    InvalidMessage,
    LimitExceeded,
    MissingHandler,
    WrongExpectedVersion,
)
from headwater.handling.routing import handles
from headwater.limits import Limits
from headwater.ports.middleware import CallNext
from tests.commands.bank import Account, Bank, Deposit, Deposited, Open, Opened, RecordingStore

Accounts = Repository[Account]


@handles(Open)
async def open_account(c: Open, accounts: Accounts) -> str:
    await accounts.save(Account.open(c.id, c.owner))
    return c.id


class Stuck(RecordingStore):
    """Commits the append, and never says so."""

    committed: asyncio.Event

    async def append_atomic(self, append: Append) -> Appended:
        await super().append_atomic(append)
        self.committed.set()
        return await asyncio.Future()


def stick(bank: Bank) -> asyncio.Event:
    bank.store.__class__ = Stuck
    committed = asyncio.Event()
    vars(bank.store)["committed"] = committed
    return committed


async def forever(c: Deposit) -> int:
    await asyncio.Future()
    return 0


async def test_a_timeout_before_the_append_was_sent() -> None:
    bank = await Bank().open(handles(Deposit)(forever))
    with pytest.raises(CommandTimeout, match=re.escape("0.01 s were not enough, nothing was committed")):
        await bank.bus.execute(Deposit(id="a1", amount=1), timeout=0.01)
    assert bank.store.appends == []


async def test_a_timeout_after_the_append_was_sent() -> None:
    bank = await Bank().open(open_account)
    stick(bank)
    with pytest.raises(AppendOutcomeUnknown, match="may or may not be committed") as caught:
        await bank.bus.execute(Open(id="a1", owner="ann"), timeout=0.01)
    bank.store.__class__ = RecordingStore
    assert caught.value.command_id is not None
    again = await bank.bus.execute(Open(id="a1", owner="ann"), command_id=caught.value.command_id)
    assert (again.replayed, again.result) == (True, "a1")


async def test_a_timeout_after_a_conflict_is_certain() -> None:
    tries: list[None] = []

    @handles(Deposit)
    async def slow_at_last(c: Deposit, accounts: Accounts) -> int:
        account = await accounts.load(c.id)
        account.deposit(c.amount)
        await accounts.save(account)
        tries.append(None)
        return 0 if len(tries) == 1 else await asyncio.Future()

    bank = await Bank().open(slow_at_last)
    await bank.account("a1")
    bank.rival("a1", Deposited(amount=1))
    with pytest.raises(CommandTimeout):
        await bank.bus.execute(Deposit(id="a1", amount=1), timeout=0.1)
    assert len(tries) == 2


async def test_a_timeout_of_the_handlers_own_is_its_own() -> None:
    @handles(Deposit)
    async def calls_out(c: Deposit) -> int:
        raise TimeoutError("the other service")

    bank = await Bank().open(calls_out)
    with pytest.raises(TimeoutError, match="the other service") as caught:
        await bank.bus.execute(Deposit(id="a1", amount=1), timeout=60)
    assert not isinstance(caught.value, CommandTimeout)


async def test_a_timeout_on_a_bus_without_a_store_promises_nothing() -> None:
    bus = CommandBus([handles(Deposit)(forever)])
    with pytest.raises(AppendOutcomeUnknown):
        await bus.execute(Deposit(id="a1", amount=1), timeout=0.01)


async def test_in_time() -> None:
    bank = await Bank().open(open_account)
    assert (await bank.bus.execute(Open(id="a1", owner="ann"), timeout=60)).result == "a1"


async def test_a_cancelled_execution_leaves_nothing_running() -> None:
    bank = await Bank().open(handles(Deposit)(forever))
    task = asyncio.create_task(bank.bus.execute(Deposit(id="a1", amount=1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert current_command.get() is None


async def test_a_cancelled_append_is_unknown_and_can_be_asked_for() -> None:
    bank = await Bank().open(open_account)
    committed = stick(bank)
    task = asyncio.create_task(bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1"))
    await committed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    bank.store.__class__ = RecordingStore
    assert (await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")).replayed


# -- commands inside commands ----------------------------------------------------


async def test_a_command_inside_a_command_has_an_append_of_its_own() -> None:
    @handles(Deposit)
    async def opens_first(c: Deposit, accounts: Accounts, bus: CommandBus) -> int:
        account = await accounts.load(c.id)
        account.deposit(c.amount)
        await accounts.save(account)
        inner = await bus.execute(Open(id="inner", owner="ann"))
        assert inner.token.writes == (("account-inner", 1),)
        return account.balance

    bank = await Bank().open(open_account, opens_first)
    await bank.account("a1")
    outer = await bank.bus.execute(Deposit(id="a1", amount=2), command_id="outer", context=Context(principal="ann"))
    assert outer.events == (Deposited(amount=2),)
    inner_append, outer_append = bank.store.appends
    inner, own = json.loads(inner_append.context), json.loads(outer_append.context)
    assert own == {"command_id": "outer", "correlation_id": "outer", "principal": "ann"}
    assert inner == {**own, "command_id": inner["command_id"], "causation_id": "outer"}
    assert inner["command_id"] != "outer"


async def test_a_refusal_inside_does_not_touch_the_command_around_it() -> None:
    @handles(Deposit)
    async def tries(c: Deposit, accounts: Accounts, bus: CommandBus) -> int:
        account = await accounts.load(c.id)
        account.deposit(c.amount)
        await accounts.save(account)
        with pytest.raises(WrongExpectedVersion):
            await bus.execute(Open(id="a1", owner="bob"), context=Context(correlation_id="own"))
        return account.balance

    bank = await Bank().open(open_account, tries)
    await bank.account("a1")
    assert (await bank.bus.execute(Deposit(id="a1", amount=2))).result == 2
    assert await bank.events("a1") == [Opened(owner="a1"), Deposited(amount=2)]
    assert json.loads(bank.store.appends[0].context)["correlation_id"] == "own"


class Down(Command[int]):
    steps: int


async def pass_through(message: object, call_next: CallNext) -> object:
    return await call_next(message)


@pytest.mark.parametrize(("steps", "limit"), [(10_000, 64), (8, 8)])
async def test_endless_recursion_is_a_typed_error(steps: int, limit: int) -> None:
    deepest: list[int] = []

    @handles(Down)
    async def down(c: Down, bus: CommandBus) -> int:
        deepest.append(c.steps)
        return (await bus.execute(Down(steps=c.steps - 1))).result + 1 if c.steps else 0

    bank = await Bank([pass_through] * 3, Limits(nested_commands=limit)).open(down)
    with pytest.raises(LimitExceeded, match=f"commands executed by one another's handlers is {limit + 1}") as caught:
        await bank.bus.execute(Down(steps=steps))
    assert (caught.value.limit, len(deepest)) == (limit, limit)
    assert (await bank.bus.execute(Down(steps=limit - 1))).result == limit - 1


async def test_a_worker_that_a_handler_started_is_not_inside_it() -> None:
    chain: list[asyncio.Task[object]] = []

    @handles(Down)
    async def next_one(c: Down, bus: CommandBus) -> int:
        if c.steps:
            chain.append(asyncio.create_task(later(c.steps, bus)))
        return c.steps

    async def later(steps: int, bus: CommandBus) -> object:
        await asyncio.sleep(0)
        return await bus.execute(Down(steps=steps - 1))

    bank = await Bank(limits=Limits(nested_commands=2)).open(next_one)
    await bank.bus.execute(Down(steps=10))
    for step in range(10):
        await chain[step]
    assert len(chain) == 10


# -- a bus that stands alone -----------------------------------------------------


async def test_alone_it_dispatches() -> None:
    @handles(Deposit)
    async def deposit(c: Deposit) -> int:
        return c.amount

    receipt = await CommandBus([deposit]).execute(Deposit(id="a1", amount=3), command_id="c1")
    assert (receipt.result, receipt.events, receipt.token.writes) == (3, (), ())
    with pytest.raises(MissingHandler, match="runs alone and cannot wait for projections"):
        await CommandBus([deposit]).execute(Deposit(id="a1", amount=3), wait_for=["users"])


async def test_alone_its_handlers_save_at_once() -> None:
    bank = await Bank().open()

    @handles(Deposit)
    async def deposit(c: Deposit) -> int:
        account = await bank.accounts.load(c.id)
        account.deposit(c.amount)
        await bank.accounts.save(account)
        return (await bank.accounts.load(c.id)).balance

    await bank.account("a1")
    assert (await CommandBus([deposit]).execute(Deposit(id="a1", amount=3))).result == 3


async def test_a_class_and_a_timeout_that_is_no_number_are_named() -> None:
    bank = await Bank().open()
    with pytest.raises(InvalidMessage, match=r"the class Deposit: write Deposit\(\.\.\.\)"):
        await bank.bus.execute(cast("Deposit", Deposit))

    @handles(Deposit)
    async def deposit(c: Deposit) -> int:
        return c.amount

    bank.bus.register(deposit)
    with pytest.raises(InvalidInput, match="timeout= is a number of seconds from 0, got '1'"):
        await bank.bus.execute(Deposit(id="a1", amount=1), timeout=cast("float", "1"))

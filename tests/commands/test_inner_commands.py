"""Commands executed by handlers of commands: once, however often the outer handler runs."""

from __future__ import annotations

import asyncio

import pytest

from headwater.commands.bus import CommandBus
from headwater.commands.repository import Repository
from headwater.errors import IdempotencyMismatch
from headwater.handling.routing import handles
from tests.commands.bank import Account, Bank, Deposit, Deposited, Open, Withdraw

Accounts = Repository[Account]


class Branch:
    """Opening an account at the branch pays a deposit into the account `bonus`, by a command of its own."""

    def __init__(self) -> None:
        self.runs = 0
        self.down = False
        self.amounts = [7, 7, 7]

    @handles(Open)
    async def open(self, c: Open, accounts: Accounts, bus: CommandBus) -> str:
        self.runs += 1
        bank = await accounts.load("bank")
        paid = [await bus.execute(Deposit(id="bonus", amount=amount)) for amount in (self.amounts[self.runs - 1], 1)]
        if self.down:
            raise ConnectionError("the printer is off")
        bank.deposit(1)
        await accounts.save(bank)
        return f"{c.id}: {[receipt.result for receipt in paid]}"

    @handles(Deposit)
    async def deposit(self, c: Deposit, accounts: Accounts) -> int:
        account = await accounts.load(c.id)
        account.deposit(c.amount)
        await accounts.save(account)
        return account.balance


async def bank_with(branch: Branch) -> Bank:
    bank = await Bank().open(branch)
    await bank.account("bank")
    await bank.account("bonus")
    return bank


async def bonus(bank: Bank) -> list[object]:
    return (await bank.events("bonus"))[1:]


async def test_a_conflict_of_the_outer_does_not_repeat_the_inner() -> None:
    bank = await bank_with(branch := Branch())
    real = bank.bus.execute

    @handles(Withdraw)
    async def meddle(c: Withdraw, accounts: Accounts, bus: CommandBus) -> int:
        account = await accounts.load("bank")
        receipt = await real(Deposit(id="bonus", amount=c.amount))
        if not tries:
            bank.rival("bank", Deposited(amount=1))
        tries.append(receipt.replayed)
        account.deposit(1)
        await accounts.save(account)
        return account.balance

    tries: list[bool] = []
    bank.bus.register(meddle)
    receipt = await bank.bus.execute(Withdraw(id="x", amount=3))
    assert (receipt.result, tries) == (2, [False, True])
    assert await bonus(bank) == [Deposited(amount=3)]
    assert branch.runs == 0


async def test_a_repetition_of_the_outer_does_not_repeat_the_inner() -> None:
    bank = await bank_with(branch := Branch())
    first = await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    again = await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    assert (branch.runs, again.replayed, again.result) == (2, True, first.result)
    assert await bonus(bank) == [Deposited(amount=7), Deposited(amount=1)]


async def test_a_repetition_goes_on_where_the_first_one_failed() -> None:
    bank = await bank_with(branch := Branch())
    branch.down = True
    with pytest.raises(ConnectionError):
        await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    branch.down = False
    receipt = await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    assert (receipt.replayed, receipt.result) == (False, "a1: [7, 8]")
    assert await bonus(bank) == [Deposited(amount=7), Deposited(amount=1)]


async def test_another_inner_command_the_second_time_is_refused() -> None:
    bank = await bank_with(branch := Branch())
    branch.amounts, branch.down = [7, 8], True
    with pytest.raises(ConnectionError):
        await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    with pytest.raises(IdempotencyMismatch):
        await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    assert await bonus(bank) == [Deposited(amount=7), Deposited(amount=1)]


async def test_two_executions_are_two() -> None:
    bank = await bank_with(Branch())
    for id in ("c1", "c2"):
        await bank.bus.execute(Open(id="a1", owner="ann"), command_id=id)
    await bank.bus.execute(Open(id="a1", owner="ann"))
    assert await bonus(bank) == [Deposited(amount=7), Deposited(amount=1)] * 3


async def test_an_id_of_its_own_is_kept() -> None:
    bank = await bank_with(Branch())

    @handles(Withdraw)
    async def outer(c: Withdraw, bus: CommandBus) -> int:
        receipt = await bus.execute(Deposit(id="bonus", amount=1), command_id="mine")
        assert receipt.command_id == "mine"
        return 0

    bank.bus.register(outer)
    for _ in range(2):
        await bank.bus.execute(Withdraw(id="x", amount=1))
    assert await bonus(bank) == [Deposited(amount=1)]


async def test_a_task_left_behind_is_no_part_of_the_outer() -> None:
    bank = await bank_with(Branch())
    over = asyncio.Event()
    left: list[asyncio.Task[None]] = []

    async def later(bus: CommandBus) -> None:
        await over.wait()
        await bus.execute(Deposit(id="bonus", amount=1))

    @handles(Withdraw)
    async def outer(c: Withdraw, bus: CommandBus) -> int:
        left.append(asyncio.create_task(later(bus)))
        return 0

    bank.bus.register(outer)
    for _ in range(2):
        await bank.bus.execute(Withdraw(id="x", amount=1), command_id="c1")
    over.set()
    await asyncio.gather(*left)
    assert await bonus(bank) == [Deposited(amount=1)] * 2

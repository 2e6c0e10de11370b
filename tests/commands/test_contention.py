"""Contention: commands of one process that write one stream go one after the other, once they have met."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from headwater.commands import queues
from headwater.commands.bus import CommandBus
from headwater.commands.repository import Repository
from headwater.errors import BadDeclaration, WrongExpectedVersion
from headwater.handling.routing import handles
from headwater.manager import CQRSManager
from tests.commands.bank import Account, Bank, Deposit, Deposited, Open, Opened, Withdraw

Accounts = Repository[Account]


@handles(Withdraw)
async def withdraw(c: Withdraw, accounts: Accounts) -> int:
    account = await accounts.load(c.id)
    await asyncio.sleep(0)  # the others load, too
    account.withdraw(c.amount)
    await accounts.save(account)
    return account.balance


@handles(Open)
async def open_account(c: Open, accounts: Accounts) -> str:
    await accounts.save(Account.new(c.id, Opened(owner=c.owner), Deposited(amount=200)))
    return c.id


async def balance(manager: CQRSManager) -> int:
    return (await manager.repository(Account).load("a1")).balance


async def test_two_hundred_at_once_all_commit(url: str) -> None:
    async with CQRSManager(url, handlers=[withdraw, open_account]) as manager:
        await manager.commands.execute(Open(id="a1", owner="ann"))
        receipts = await asyncio.gather(*(manager.commands.execute(Withdraw(id="a1", amount=1)) for _ in range(200)))
        assert {receipt.result for receipt in receipts} == set(range(200))
        assert await balance(manager) == 0


async def test_also_while_new_ones_keep_coming() -> None:
    async with CQRSManager("memory://", handlers=[withdraw, open_account]) as manager:
        await manager.commands.execute(Open(id="a1", owner="ann"))

        async def client() -> None:
            for _ in range(10):
                await manager.commands.execute(Withdraw(id="a1", amount=1))

        await asyncio.gather(*(client() for _ in range(20)))
        assert await balance(manager) == 0


async def test_also_when_handlers_of_others_execute_them() -> None:
    @handles(Deposit)
    async def indirectly(c: Deposit, bus: CommandBus, accounts: Accounts) -> int:
        account = await accounts.load("other")
        receipt = await bus.execute(Withdraw(id=c.id, amount=1))
        account.deposit(c.amount)
        await accounts.save(account)
        return receipt.result

    async with CQRSManager("memory://", handlers=[withdraw, open_account, indirectly]) as manager:
        for name in ("a1", "other"):
            await manager.commands.execute(Open(id=name, owner=name))
        await asyncio.gather(*(manager.commands.execute(Deposit(id="a1", amount=1)) for _ in range(50)))
        assert await balance(manager) == 150
        assert (await manager.repository(Account).load("other")).balance == 250


async def test_never_again_if_told_so() -> None:
    async with CQRSManager("memory://", handlers=[withdraw, open_account], conflict_tries=1) as manager:
        await manager.commands.execute(Open(id="a1", owner="ann"))
        executions = [manager.commands.execute(Withdraw(id="a1", amount=1)) for _ in range(5)]
        outcomes = await asyncio.gather(*executions, return_exceptions=True)
        assert sum(isinstance(outcome, WrongExpectedVersion) for outcome in outcomes) == 4


@pytest.mark.parametrize("tries", [0, -1, True, 1.5, "3"])
def test_no_number_of_tries(tries: int) -> None:
    with pytest.raises(BadDeclaration, match="conflict_tries= counts from 1"):
        CQRSManager("memory://", conflict_tries=tries)


async def test_whoever_waits_for_another_outside_the_bus_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has its turn waits for a command that is queued behind it."""
    monkeypatch.setattr(queues, "_PATIENCE", 0.01)
    bank = Bank()
    second: list[asyncio.Task[object]] = []
    loaded = asyncio.Event()

    @handles(Withdraw)
    async def waits(c: Withdraw, accounts: Accounts) -> int:
        account = await accounts.load(c.id)
        if second:
            loaded.set()
            await asyncio.wait(second)
        else:
            second.append(asyncio.create_task(bank.bus.execute(Deposit(id=c.id, amount=1)), context=outside))
        account.withdraw(c.amount)
        await accounts.save(account)
        return account.balance

    @handles(Deposit)
    async def deposit(c: Deposit, accounts: Accounts) -> int:
        account = await accounts.load(c.id)
        await loaded.wait()
        account.deposit(c.amount)
        await accounts.save(account)
        return account.balance

    outside = contextvars.copy_context()
    await bank.open(waits, deposit)
    await bank.account("a1", Deposited(amount=10))
    bank.rival("a1", Deposited(amount=1))
    receipt = await bank.bus.execute(Withdraw(id="a1", amount=2))
    assert receipt.result == 10

"""Contention: commands of one process that write one stream go one after the other, once they have met."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from headwater.commands import queues
from headwater.commands.bus import CommandBus
from headwater.commands.repository import Repository
from headwater.errors import BadDeclaration, CommandTimeout, StoreBusy, WrongExpectedVersion
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


@pytest.mark.parametrize(("seconds", "timeout"), [(20.0, None), (60.0, 100_000.0)])
async def test_a_queue_lasts_as_long_as_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, seconds: float, timeout: float | None
) -> None:
    """Each turn takes some seconds; a command with a timeout of its own waits for longer turns, too."""
    loop, passed = asyncio.get_running_loop(), 0.0
    real = loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + passed)

    @handles(Withdraw)
    async def slowly(c: Withdraw, accounts: Accounts) -> int:
        nonlocal passed
        account = await accounts.load(c.id)
        await asyncio.sleep(0)
        passed += seconds
        await asyncio.sleep(0)
        account.withdraw(c.amount)
        await accounts.save(account)
        return account.balance

    async with CQRSManager("memory://", handlers=[slowly, open_account]) as manager:
        await manager.commands.execute(Open(id="a1", owner="ann"))
        executions = [manager.commands.execute(Withdraw(id="a1", amount=1), timeout=timeout) for _ in range(50)]
        await asyncio.gather(*executions)
        assert await balance(manager) == 150


@pytest.mark.parametrize(("timeout", "told"), [(None, StoreBusy), (0.01, CommandTimeout)])
async def test_whoever_waits_for_another_outside_the_bus_goes_on(
    monkeypatch: pytest.MonkeyPatch, timeout: float | None, told: type[Exception]
) -> None:
    """The one that has its turn waits for commands that are queued behind it: these give up, one after the other."""
    if timeout is None:
        monkeypatch.setattr(queues, "_PATIENCE", 0.01)
    bank = Bank()
    refused: list[BaseException | None] = []
    tries = 0

    def behind(c: Withdraw) -> asyncio.Task[object]:
        return asyncio.create_task(bank.bus.execute(Deposit(id=c.id, amount=1), timeout=timeout), context=outside)

    @handles(Withdraw)
    async def waits(c: Withdraw, accounts: Accounts) -> int:
        nonlocal tries
        tries += 1
        account = await accounts.load(c.id)
        while tries == 2 and len(refused) < 2:
            other = behind(c)
            await asyncio.wait([other])
            refused.append(other.exception())
        account.withdraw(c.amount)
        await accounts.save(account)
        return account.balance

    @handles(Deposit)
    async def deposit(c: Deposit, accounts: Accounts) -> int:
        account = await accounts.load(c.id)
        account.deposit(c.amount)
        await accounts.save(account)
        return account.balance

    outside = contextvars.copy_context()
    await bank.open(waits, deposit)
    await bank.account("a1", Deposited(amount=10))
    bank.rival("a1", Deposited(amount=1))
    receipt = await bank.bus.execute(Withdraw(id="a1", amount=2))
    assert receipt.result == 9
    assert [type(error) for error in refused] == [told, told]
    if told is StoreBusy:
        assert "'account-a1'" in str(refused[0])

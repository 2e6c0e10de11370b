"""Version conflicts: decided again on fresh state, reading only what is new."""

from __future__ import annotations

import pytest

from headwater.commands.deciding import decider_routes
from headwater.commands.repository import Repository
from headwater.domain.decider import Decider
from headwater.errors import BadDeclaration, WrongExpectedVersion
from headwater.handling.routing import handles
from tests.commands.bank import Account, Bank, Deposit, Deposited, Open, Opened, Overdrawn, Withdraw, Withdrawn

Accounts = Repository[Account]


class Teller:
    def __init__(self) -> None:
        self.seen: list[int] = []

    @handles(Withdraw)
    async def withdraw(self, c: Withdraw, accounts: Accounts) -> int:
        account = await accounts.load(c.id)
        self.seen.append(account.balance)
        account.withdraw(c.amount)
        await accounts.save(account)
        return account.balance


async def bank_with(teller: Teller) -> Bank:
    bank = await Bank().open(teller)
    await bank.account("a1", Deposited(amount=10))
    return bank


async def test_decides_again_on_fresh_state() -> None:
    bank = await bank_with(teller := Teller())
    bank.rival("a1", Deposited(amount=5))
    receipt = await bank.bus.execute(Withdraw(id="a1", amount=8))
    assert teller.seen == [10, 15]
    assert receipt.result == 7
    assert receipt.events == (Withdrawn(amount=8),)
    assert receipt.token.writes == (("account-a1", 4),)


async def test_reads_only_the_missing_events() -> None:
    bank = await bank_with(Teller())
    bank.rival("a1", Deposited(amount=5))
    bank.rival("a1", Deposited(amount=5), Deposited(amount=5))
    await bank.bus.execute(Withdraw(id="a1", amount=1))
    assert bank.store.folds == [("account-a1", 0, 2), ("account-a1", 2, 1), ("account-a1", 3, 2)]


async def test_a_fresh_decision_may_be_a_refusal() -> None:
    bank = await bank_with(teller := Teller())
    bank.rival("a1", Withdrawn(amount=10))
    with pytest.raises(Overdrawn):
        await bank.bus.execute(Withdraw(id="a1", amount=1))
    assert teller.seen == [10, 0]
    assert len(bank.store.appends) == 1


async def test_gives_up_after_three_tries() -> None:
    bank = await bank_with(teller := Teller())
    for _ in range(3):
        bank.rival("a1", Deposited(amount=1))
    with pytest.raises(WrongExpectedVersion, match="at version 5, expected version 4"):
        await bank.bus.execute(Withdraw(id="a1", amount=1))
    assert teller.seen == [10, 11, 12]


async def test_the_second_try_keeps_the_id_and_publishes_once() -> None:
    bank = await bank_with(Teller())
    bank.rival("a1", Deposited(amount=5))
    await bank.bus.execute(Withdraw(id="a1", amount=1))
    first, second = bank.store.appends
    assert first.command is not None
    assert second.command is not None
    assert first.command.id == second.command.id


async def test_a_creation_is_not_tried_again() -> None:
    @handles(Open)
    async def open_account(c: Open, accounts: Accounts) -> str:
        await accounts.save(Account.new(c.id, Opened(owner=c.owner)))
        return c.id

    bank = await bank_with(Teller())
    bank.bus.register(open_account)
    with pytest.raises(WrongExpectedVersion):
        await bank.bus.execute(Open(id="a1", owner="ann"))
    assert len(bank.store.appends) == 1


def decider() -> Decider[Deposit, int, Deposited]:
    return Decider(
        category="account",
        commands=(Deposit,),
        events=(Deposited,),
        stream_id=lambda command: command.id,
        initial=lambda: 0,
        decide=lambda command, total: [Deposited(amount=command.amount + total)] if command.amount else [],
        evolve=lambda total, event: total + event.amount,
    )


async def test_a_decider_decides_again_and_reads_only_the_missing_events() -> None:
    bank = await Bank().open()
    (route,) = decider_routes(decider(), bank.store, bank.registry, bank.committer)  # type: ignore[arg-type]
    bank.bus.route(*route)
    assert (await bank.bus.execute(Deposit(id="a1", amount=1))).result == 1
    bank.store.folds.clear()
    bank.rival("a1", Deposited(amount=5))
    receipt = await bank.bus.execute(Deposit(id="a1", amount=1))
    assert (receipt.result, receipt.events) == (3, (Deposited(amount=7),))
    assert bank.store.folds == [("account-a1", 0, 1), ("account-a1", 1, 1)]
    assert (await bank.bus.execute(Deposit(id="a1", amount=0))).events == ()
    with pytest.raises(BadDeclaration, match="executed by a command bus that has a store"):
        await route[1](Deposit(id="a1", amount=1))

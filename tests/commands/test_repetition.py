"""Command ids: a repetition is answered as the first time."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from headwater.commands.audit import AuditMiddleware
from headwater.commands.replay import Replay
from headwater.commands.repository import Repository
from headwater.domain.append import CommandRecord
from headwater.domain.messages import Command
from headwater.errors import (
    DecodingError,
    IdempotencyMismatch,
    InvalidId,
    InvalidInput,
    InvalidMessage,
    LimitExceeded,
    NotAuthorized,
    WrongExpectedVersion,
)
from headwater.handling.routing import handles
from headwater.ports.middleware import CallNext
from tests.commands.bank import Account, Bank, Deposit, Deposited, Open, Opened, Overdrawn, Withdraw, Withdrawn

Accounts = Repository[Account]


class Teller:
    """Refuses to withdraw when the balance is too low, as the second time."""

    def __init__(self) -> None:
        self.calls = 0

    @handles(Open)
    async def open(self, c: Open, accounts: Accounts) -> str:
        self.calls += 1
        await accounts.save(Account.open(c.id, c.owner))
        return f"{c.id} by call {self.calls}"

    @handles(Withdraw)
    async def withdraw(self, c: Withdraw, accounts: Accounts) -> int:
        self.calls += 1
        account = await accounts.load(c.id)
        account.withdraw(c.amount)
        await accounts.save(account)
        return account.balance

    @handles(Deposit)
    async def count(self, c: Deposit) -> int:
        self.calls += 1
        return self.calls


async def test_the_first_result_events_and_token() -> None:
    bank = await Bank().open(Teller())
    first = await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    again = await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.result == first.result == "a1 by call 1"
    assert again.events == first.events == (Opened(owner="ann"),)
    assert again.token == first.token
    assert again.command_id == first.command_id == "c1"
    assert await bank.events("a1") == [Opened(owner="ann")]


async def test_also_when_the_handler_would_now_refuse() -> None:
    bank = await Bank().open(Teller())
    await bank.account("a1", Deposited(amount=5))
    first = await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")
    again = await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")
    assert (again.replayed, again.result, again.events) == (True, first.result, (Withdrawn(amount=5),))
    with pytest.raises(Overdrawn):
        await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c2")
    with pytest.raises(Overdrawn):
        await bank.bus.execute(Withdraw(id="a1", amount=5))


@pytest.mark.parametrize(
    "error", [ConnectionError("gone"), KeyError("x"), WrongExpectedVersion("s-1", 1, 2), InvalidInput("no")]
)
async def test_also_when_the_handler_would_now_fail(error: Exception) -> None:
    failing: list[Exception] = []

    @handles(Deposit)
    async def pay(c: Deposit) -> int:
        if failing:
            raise failing[0]
        return 7

    bank = await Bank().open(pay)
    await bank.bus.execute(Deposit(id="a1", amount=1), command_id="c1")
    failing.append(error)
    again = await bank.bus.execute(Deposit(id="a1", amount=1), command_id="c1")
    assert (again.replayed, again.result) == (True, 7)
    with pytest.raises(type(error)):
        await bank.bus.execute(Deposit(id="a1", amount=1), command_id="c2")


async def test_what_a_middleware_refuses_stays_refused() -> None:
    refused: list[Exception] = []

    async def guard(message: object, call_next: CallNext) -> object:
        if refused:
            raise refused[0]
        return await call_next(message)

    bank = await Bank([guard]).open(Teller())
    await bank.bus.execute(Deposit(id="a1", amount=1), command_id="c1")
    for error in (Overdrawn("no"), NotAuthorized("no")):
        refused[:] = [error]
        with pytest.raises(type(error)):
            await bank.bus.execute(Deposit(id="a1", amount=1), command_id="c1")


async def test_a_middleware_sees_the_first_result() -> None:
    seen: list[object] = []

    async def watch(message: object, call_next: CallNext) -> object:
        seen.append(await call_next(message))
        return seen[-1]

    bank = await Bank([watch]).open(Teller())
    await bank.account("a1", Deposited(amount=5))
    for _ in range(2):
        await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")
    assert seen == [0, 0]


async def test_after_a_conflict_on_the_repetition() -> None:
    bank = await Bank().open(Teller())
    await bank.account("a1", Deposited(amount=10))
    await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")
    bank.rival("a1", Deposited(amount=1))
    again = await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")
    assert (again.replayed, again.result, again.token.writes) == (True, 5, (("account-a1", 3),))


@pytest.mark.parametrize(
    "other", [Withdraw(id="a1", amount=6), Withdraw(id="a2", amount=5), Deposit(id="a1", amount=5)]
)
async def test_another_payload_or_another_command(other: Command[int]) -> None:
    bank = await Bank().open(Teller())
    await bank.account("a1", Deposited(amount=9))
    await bank.account("a2", Deposited(amount=9))
    await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")
    with pytest.raises(IdempotencyMismatch, match="'c1' was used with another payload"):
        await bank.bus.execute(other, command_id="c1")


async def test_another_payload_that_is_refused_is_a_mismatch_too() -> None:
    bank = await Bank().open(Teller())
    await bank.account("a1", Deposited(amount=9))
    await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")
    with pytest.raises(IdempotencyMismatch):
        await bank.bus.execute(Withdraw(id="a1", amount=500), command_id="c1")


async def test_a_command_without_events_is_remembered_by_its_id() -> None:
    bank = await Bank().open(Teller())
    results = [(await bank.bus.execute(Deposit(id="a1", amount=1), command_id="c1")).result for _ in range(3)]
    assert results == [1, 1, 1]
    assert (await bank.bus.execute(Deposit(id="a1", amount=1))).result == 4
    assert (await bank.engine.commands.find("c1")) is not None


async def test_a_refused_command_is_decided_again() -> None:
    bank = await Bank([AuditMiddleware()]).open(Teller())
    await bank.account("a1")
    with pytest.raises(Overdrawn):
        await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")
    account = await bank.accounts.load("a1")
    account.deposit(5)
    await bank.accounts.save(account)
    receipt = await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")
    assert (receipt.replayed, receipt.result) == (False, 0)
    assert (await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c1")).replayed


async def test_every_event_knows_its_command() -> None:
    bank = await Bank().open(Teller())
    receipt = await bank.bus.execute(Open(id="a1", owner="ann"), command_id=UUID(int=1))
    assert receipt.command_id == str(UUID(int=1))
    (append,) = bank.store.appends
    assert append.context == b'{"command_id":"%s","correlation_id":"%s"}' % ((str(UUID(int=1)).encode(),) * 2)


async def test_an_id_is_made_where_none_is_given() -> None:
    bank = await Bank().open(Teller())
    receipts = [await bank.bus.execute(Open(id=name, owner=name)) for name in ("a1", "a2")]
    assert {UUID(receipt.command_id or "").version for receipt in receipts} == {7}
    assert len({receipt.command_id for receipt in receipts}) == 2


@pytest.mark.parametrize("id", ["", "a\0", "a\nb", "\ud800", "e\u0301"])
async def test_a_bad_id(id: str) -> None:
    bank = await Bank().open(teller := Teller())
    with pytest.raises(InvalidId, match="command id"):
        await bank.bus.execute(Open(id="a1", owner="ann"), command_id=id)
    assert teller.calls == 0


async def test_a_long_id() -> None:
    bank = await Bank().open(Teller())
    with pytest.raises(LimitExceeded, match="command id in bytes is 70,000"):
        await bank.bus.execute(Open(id="a1", owner="ann"), command_id="a" * 70_000)


class Odd(Command[object]):
    pass


async def test_a_result_that_cannot_be_kept_commits_nothing() -> None:
    @handles(Odd)
    async def odd(c: Odd, accounts: Accounts) -> object:
        await accounts.save(Account.open("a1", "ann"))
        return object()

    bank = await Bank().open(odd)
    with pytest.raises(InvalidMessage, match="the result of Odd cannot be kept as JSON"):
        await bank.bus.execute(Odd())
    assert await bank.events("a1") == []


async def test_a_kept_result_of_another_type() -> None:
    bank = await Bank().open(Teller())
    await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    record = await bank.engine.commands.find("c1")
    assert isinstance(record, CommandRecord)

    replay = Replay(bank.store, bank.registry)
    with pytest.raises(DecodingError, match="the kept result of Open"):
        await replay.outcome(msgspec.structs.replace(record, result=b"5"))
    gone = msgspec.structs.replace(record, name="Gone", result=b"5")
    assert await replay.outcome(gone) == (5, (Opened(owner="ann"),))

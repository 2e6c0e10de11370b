"""Repositories, inside and outside of handlers."""

from __future__ import annotations

import asyncio

import pytest

from headwater.commands.repository import Repository
from headwater.domain.append import UniqueKey
from headwater.errors import (
    AggregateNotFound,
    BadDeclaration,
    InvalidId,
    InvalidInput,
    InvalidMessage,
    UniqueKeyTaken,
    UnknownName,
    WrongExpectedVersion,
)
from headwater.handling.routing import handles
from headwater.messaging.bus import EventBus
from tests.commands.bank import Account, Bank, Deposit, Deposited, Open, Opened, Withdraw, Withdrawn

Accounts = Repository[Account]


async def test_outside_a_handler_a_save_commits_at_once() -> None:
    bank = await Bank().open()
    account = Account.open("a1", "ann")
    await bank.accounts.save(account)
    assert (account.version, account.get_uncommitted_events()) == (1, ())
    account.deposit(5)
    await bank.accounts.save(account)
    await bank.accounts.save(account)
    found = await bank.accounts.load("a1")
    assert (found.version, found.balance, found.owner) == (2, 5, "ann")
    assert len(bank.store.appends) == 2


async def test_looking() -> None:
    bank = await Bank().open()
    await bank.accounts.save(Account.open("a1", "ann"))
    assert await bank.accounts.get_by_id("a2") is None
    with pytest.raises(AggregateNotFound, match="account-a2"):
        await bank.accounts.load("a2")
    assert [await bank.accounts.exists(id) for id in ("a1", "a2")] == [True, False]
    assert [await bank.accounts.exists(unique=("owner", name)) for name in ("ann", "bob")] == [True, False]
    assert await bank.accounts.count() == 1


async def test_looking_for_what_cannot_be() -> None:
    bank = await Bank().open()
    for wrong in ({}, {"id": "a1", "unique": ("owner", "ann")}):
        with pytest.raises(InvalidInput, match="takes an id or unique"):
            await bank.accounts.exists(**wrong)  # type: ignore[arg-type]  # what is refused
    for id in ("", "a\0", "e\u0301"):
        with pytest.raises(InvalidId):
            await bank.accounts.exists(id)
        with pytest.raises(InvalidId):
            await bank.accounts.get_by_id(id)


async def test_a_conflict_keeps_the_events() -> None:
    bank = await Bank().open()
    await bank.account("a1")
    one, two = await bank.accounts.load("a1"), await bank.accounts.load("a1")
    one.deposit(1)
    two.deposit(2)
    await bank.accounts.save(one)
    with pytest.raises(WrongExpectedVersion):
        await bank.accounts.save(two)
    assert two.get_uncommitted_events() == (Deposited(amount=2),)


async def test_one_append_for_a_command_that_saves_twice() -> None:
    @handles(Deposit)
    async def twice(c: Deposit, accounts: Accounts) -> int:
        account = await accounts.load(c.id)
        account.deposit(c.amount)
        await accounts.save(account)
        account.deposit(c.amount)
        await accounts.save(account)
        await accounts.save(account)
        return account.balance

    bank = await Bank().open(twice)
    await bank.account("a1")
    receipt = await bank.bus.execute(Deposit(id="a1", amount=4))
    assert receipt.result == 8
    assert receipt.events == (Deposited(amount=4), Deposited(amount=4))
    assert receipt.token.writes == (("account-a1", 3),)
    assert len(bank.store.appends) == 1


async def test_a_load_sees_what_the_command_has_staged() -> None:
    @handles(Deposit)
    async def again(c: Deposit, accounts: Accounts) -> int:
        first = await accounts.load(c.id)
        first.deposit(c.amount)
        await accounts.save(first)
        second = await accounts.load(c.id)
        second.withdraw(c.amount)
        await accounts.save(second)
        return second.balance

    bank = await Bank().open(again)
    await bank.account("a1")
    assert (await bank.bus.execute(Deposit(id="a1", amount=4))).result == 0
    assert await bank.events("a1") == [Opened(owner="a1"), Deposited(amount=4), Withdrawn(amount=4)]


async def test_two_copies_of_an_aggregate_cannot_both_be_saved() -> None:
    @handles(Deposit)
    async def copies(c: Deposit, accounts: Accounts) -> int:
        one, two = await accounts.load(c.id), await accounts.load(c.id)
        for copy in (one, two):
            copy.deposit(c.amount)
            await accounts.save(copy)
        return 0

    bank = await Bank().open(copies)
    await bank.account("a1")
    with pytest.raises(BadDeclaration, match="two copies of account-a1 were changed by one command"):
        await bank.bus.execute(Deposit(id="a1", amount=4))
    assert bank.store.appends == []


class _Transfer:
    def __init__(self, together: bool) -> None:
        self.together = together

    @handles(Withdraw)
    async def transfer(self, c: Withdraw, accounts: Accounts) -> int:
        one, two = await accounts.load("a1"), await accounts.load("a2")
        one.withdraw(c.amount)
        two.deposit(c.amount)
        if self.together:
            await accounts.save_all(one, two)
        else:
            await accounts.save(one)
            await accounts.save(two)
        return two.balance


async def test_a_second_stream_takes_save_all() -> None:
    bank = await Bank().open(_Transfer(together=False))
    await bank.account("a1", Deposited(amount=9))
    await bank.account("a2")
    with pytest.raises(BadDeclaration, match=r"account-a1 is saved already; save several .* save_all\(a, b\)"):
        await bank.bus.execute(Withdraw(id="a1", amount=9))
    assert bank.store.appends == []


async def test_save_all_is_one_append() -> None:
    bank = await Bank().open(_Transfer(together=True))
    await bank.account("a1", Deposited(amount=9))
    await bank.account("a2")
    receipt = await bank.bus.execute(Withdraw(id="a1", amount=9))
    assert receipt.events == (Withdrawn(amount=9), Deposited(amount=9))
    assert receipt.token.writes == (("account-a1", 3), ("account-a2", 2))
    assert len(bank.store.appends) == 1


async def test_a_checked_aggregate_must_not_have_changed() -> None:
    tries: list[int] = []

    @handles(Deposit)
    async def while_rich(c: Deposit, accounts: Accounts) -> int:
        rich, account = await accounts.load("rich"), await accounts.load(c.id)
        tries.append(rich.balance)
        if rich.balance:
            account.deposit(c.amount)
        await accounts.save_all(account, check=[rich])
        return account.balance

    bank = await Bank().open(while_rich)
    await bank.account("rich", Deposited(amount=9))
    await bank.account("a1")
    bank.rival("rich", Withdrawn(amount=9))
    assert (await bank.bus.execute(Deposit(id="a1", amount=1))).result == 0
    assert tries == [9, 0]
    assert await bank.events("a1") == [Opened(owner="a1")]


async def test_a_taken_key_is_raised_by_execute() -> None:
    @handles(Open)
    async def open_account(c: Open, accounts: Accounts) -> str:
        await accounts.save(Account.open(c.id, c.owner))
        return c.id

    bank = await Bank().open(open_account)
    await bank.bus.execute(Open(id="a1", owner="ann"))
    with pytest.raises(UniqueKeyTaken, match="the owner 'ann' is already taken") as caught:
        await bank.bus.execute(Open(id="a2", owner="ann"))
    assert caught.value.holder == "account-a1"
    assert await bank.engine.unique_keys.holder(UniqueKey("owner", "ann")) == "account-a1"
    assert await bank.accounts.count() == 1


async def test_an_event_of_a_wrong_type_never_reaches_the_stream() -> None:
    bank = await Bank().open()
    account = Account.new("a1", Opened(owner=5))  # type: ignore[arg-type]  # what is refused
    with pytest.raises(InvalidMessage, match="this Opened could not be read back"):
        await bank.accounts.save(account)
    assert await bank.events("a1") == []


async def test_what_a_task_left_behind_saves_is_not_lost() -> None:
    go = asyncio.Event()
    left: list[asyncio.Task[None]] = []

    @handles(Deposit)
    async def leaves(c: Deposit, accounts: Accounts) -> int:
        async def later() -> None:
            await go.wait()
            account = await accounts.load(c.id)
            account.deposit(c.amount)
            await accounts.save(account)

        left.append(asyncio.create_task(later()))
        account = await accounts.load(c.id)
        account.deposit(1)
        await accounts.save(account)
        return 0

    bank = await Bank().open(leaves)
    await bank.account("a1")
    await bank.bus.execute(Deposit(id="a1", amount=7))
    go.set()
    await left[0]
    assert await bank.events("a1") == [Opened(owner="a1"), Deposited(amount=1), Deposited(amount=7)]


@pytest.mark.parametrize("first", ["publish", "save"])
async def test_publishing_what_is_saved_adds_nothing(first: str) -> None:
    @handles(Deposit)
    async def both(c: Deposit, accounts: Accounts, topics: EventBus) -> int:
        account = await accounts.load(c.id)
        account.deposit(c.amount)
        (event,) = account.get_uncommitted_events()
        if first == "publish":
            await topics.publish("account.events", event)
        await accounts.save(account)
        if first == "save":
            await topics.publish("account.events", event)
        return 0

    bank = await Bank().open(both)
    await bank.account("a1")
    await bank.bus.execute(Deposit(id="a1", amount=1))
    stored = await bank.engine.events.load((await bank.accounts.load("a1")).stream)
    assert [event.topic for event in stored] == [None, None]


@pytest.mark.parametrize("saves", [True, False])
async def test_any_other_event_rides_hidden_in_the_append(saves: bool) -> None:
    @handles(Deposit)
    async def tell(c: Deposit, accounts: Accounts, topics: EventBus) -> int:
        await topics.publish("bank.news", Opened(owner="news"))
        account = await accounts.load(c.id)
        account.deposit(c.amount)
        if saves:
            await accounts.save(account)
        return account.balance

    bank = await Bank().open(tell)
    await bank.account("a1")
    receipt = await bank.bus.execute(Deposit(id="a1", amount=1))
    (append,) = bank.store.appends
    (write,) = append.writes
    assert [event.topic for event in write.events] == ([None, "bank.news"] if saves else ["bank.news"])
    assert receipt.events == ((Deposited(amount=1),) if saves else ())
    assert (await bank.accounts.load("a1")).balance == int(saves)


async def test_a_published_event_must_be_known() -> None:
    class Unknown(Opened):
        pass

    @handles(Deposit)
    async def tell(c: Deposit, topics: EventBus) -> int:
        await topics.publish("bank.news", Unknown(owner=""))
        return 0

    bank = await Bank().open(tell)
    with pytest.raises(UnknownName, match="Unknown is not registered"):
        await bank.bus.execute(Deposit(id="a1", amount=1))


async def test_a_check_with_nothing_to_write_is_made_too() -> None:
    bank = await Bank().open()
    await bank.account("a1")
    stale = await bank.accounts.load("a1")
    await bank.accounts.save_all(check=[stale])
    fresh = await bank.accounts.load("a1")
    fresh.deposit(1)
    await bank.accounts.save(fresh)
    with pytest.raises(WrongExpectedVersion, match="at version 2, expected version 1"):
        await bank.accounts.save_all(check=[stale])

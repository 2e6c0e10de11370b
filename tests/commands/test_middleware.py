"""Validation, authorization and audit."""

from __future__ import annotations

import logging
from typing import Any

import pydantic
import pytest

from headwater.commands.audit import AuditMiddleware
from headwater.commands.authorization import AuthorizationMiddleware, Policy, allow
from headwater.commands.bus import CommandBus
from headwater.commands.repository import Repository
from headwater.commands.validation import ValidationMiddleware
from headwater.domain.append import CommandRecord
from headwater.domain.messages import Command, CommandLike
from headwater.domain.metadata import Context
from headwater.errors import (
    BadDeclaration,
    BadSignature,
    MissingHandler,
    MissingPolicy,
    NotAuthorized,
    StoreBusy,
    UnknownName,
    ValidationFailed,
)
from headwater.handling.routing import handles
from tests.commands.bank import Account, Bank, Deposit, Open, Overdrawn, Withdraw

Accounts = Repository[Account]


class Teller:
    @handles(Open)
    async def open(self, c: Open, accounts: Accounts) -> str:
        await accounts.save(Account.open(c.id, c.owner))
        return c.id

    @handles(Withdraw)
    async def withdraw(self, c: Withdraw, accounts: Accounts) -> int:
        account = await accounts.load(c.id)
        account.withdraw(c.amount)
        await accounts.save(account)
        return account.balance


class Rated(Command[None]):
    stars: int

    def validate(self) -> str | bool | None:
        if self.stars < 0:
            raise ValueError("stars are not negative")
        if self.stars == 0:
            return False
        return "at most five stars" if self.stars > 5 else None


class Model(pydantic.BaseModel, CommandLike[None]):
    stars: int


@handles(Rated)
async def rate(c: Rated) -> None: ...


@handles(Model)
async def model(c: Model) -> None: ...


def not_four(message: object) -> str | None:
    return "not four" if message == Rated(stars=4) else None


# -- validation ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (Rated(stars="5"), "Rated: Expected `int`, got `str`"),  # type: ignore[arg-type]  # what is refused
        (Rated(stars=True), "Rated: Expected `int`, got `bool`"),
        (Rated(stars=-1), "Rated: stars are not negative"),
        (Rated(stars=0), r"Rated: validate\(\) says no"),
        (Rated(stars=6), "Rated: at most five stars"),
        (Rated(stars=4), "Rated: not four"),
        (Model.model_construct(stars="many"), "(?s)Model: .*Expected `int`"),
    ],
)
async def test_what_does_not_fit(command: CommandLike[None], complaint: str) -> None:
    bus = CommandBus([rate, model], [ValidationMiddleware({Rated: [not_four]})])
    with pytest.raises(ValidationFailed, match=complaint):
        await bus.execute(command)
    assert (await bus.execute(Rated(stars=5))).result is None
    assert (await bus.execute(Model(stars=5))).result is None


async def test_rules_for_what_nobody_handles() -> None:
    bus = CommandBus([rate], [ValidationMiddleware({Open: []})])
    with pytest.raises(MissingHandler, match="has rules for Open"):
        await bus.execute(Rated(stars=1))


# -- authorization ---------------------------------------------------------------


async def test_a_command_without_a_policy_is_found_at_start_up() -> None:
    bus = CommandBus([rate, model], [AuthorizationMiddleware({Rated: allow})])
    with pytest.raises(MissingPolicy, match="Model has no policy"):
        bus.prepare()
    with pytest.raises(MissingPolicy):
        await bus.execute(Rated(stars=1))


async def test_a_handler_registered_late_needs_a_policy_too() -> None:
    bus = CommandBus([rate], [AuthorizationMiddleware({"Rated": allow})])
    await bus.execute(Rated(stars=1))
    bus.register(model)
    with pytest.raises(MissingPolicy):
        await bus.execute(Model(stars=1))


@pytest.mark.parametrize(
    ("policies", "error"),
    [
        ({Rated: allow, Open: allow}, MissingHandler),
        ({Rated: allow, "Nothing": allow}, UnknownName),
        ({Rated: True}, BadSignature),
    ],
)
def test_policies_that_cannot_work(policies: dict[Any, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        CommandBus([rate], [AuthorizationMiddleware(policies)]).prepare()


async def waits(message: Rated, context: Context) -> bool:
    return context.principal == "ann"


@pytest.mark.parametrize("policy", [lambda message, context: context.principal == "ann", waits])
async def test_a_policy_sees_who_asks(policy: Policy) -> None:
    bus = CommandBus([rate], [AuthorizationMiddleware({Rated: policy})])
    await bus.execute(Rated(stars=1), context=Context(principal="ann"))
    with pytest.raises(NotAuthorized, match="bob may not send Rated"):
        await bus.execute(Rated(stars=1), context=Context(principal="bob"))
    with pytest.raises(NotAuthorized, match="an unnamed principal may not send Rated"):
        await bus.execute(Rated(stars=1))


@pytest.mark.parametrize("answer", [None, 1, "yes", [True], False])
async def test_only_true_lets_it_pass(answer: Any) -> None:
    bus = CommandBus([rate], [AuthorizationMiddleware({Rated: lambda message, context: answer})])
    with pytest.raises(NotAuthorized):
        await bus.execute(Rated(stars=1))


async def test_without_any_preparation_it_denies() -> None:
    async def never(message: object) -> object:
        raise AssertionError

    with pytest.raises(NotAuthorized):
        await AuthorizationMiddleware({Rated: allow})(Rated(stars=1), never)


async def test_a_nested_command_is_sent_by_the_same_principal() -> None:
    @handles(Model)
    async def nests(c: Model, bus: CommandBus) -> None:
        await bus.execute(Rated(stars=1))

    bank = await Bank([AuthorizationMiddleware({Rated: waits, Model: allow})]).open(rate, nests)
    await bank.bus.execute(Model(stars=1), context=Context(principal="ann"))
    with pytest.raises(NotAuthorized):
        await bank.bus.execute(Model(stars=1), context=Context(principal="bob"))


# -- audit -----------------------------------------------------------------------


async def records(bank: Bank) -> list[CommandRecord]:
    return list(await bank.engine.commands.list(10))


async def test_what_is_committed_and_what_is_refused_is_on_record() -> None:
    policies: dict[type | str, Policy] = {Open: allow, Withdraw: lambda message, context: context.principal != "bob"}
    bank = await Bank([AuditMiddleware(), AuthorizationMiddleware(policies)]).open(Teller())
    await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1", context=Context(principal="ann"))
    with pytest.raises(Overdrawn):
        await bank.bus.execute(Withdraw(id="a1", amount=5), command_id="c2")
    with pytest.raises(NotAuthorized):
        await bank.bus.execute(Withdraw(id="a1", amount=5), context=Context(principal="bob"))
    refused, failed, done = await records(bank)
    assert (done.id, done.name, done.error, done.principal) == ("c1", "Open", None, "ann")
    assert (failed.id, failed.name, failed.error) == ("c2", "Withdraw", "Overdrawn: 0 is less than 5")
    assert (refused.principal, refused.error) == ("bob", "NotAuthorized: bob may not send Withdraw")
    assert [record.id for record in await bank.engine.commands.list(10, refused=True)] == [refused.id, failed.id]


async def test_a_failure_is_on_record_and_never_in_the_way(caplog: pytest.LogCaptureFixture) -> None:
    @handles(Deposit)
    async def fails(c: Deposit) -> int:
        raise RuntimeError("x" * 5_000)

    bank = await Bank([AuditMiddleware()]).open(fails)
    with pytest.raises(RuntimeError):
        await bank.bus.execute(Deposit(id="a1", amount=5), command_id="c1")
    (record,) = await records(bank)
    assert len(record.error or "") == 2_000
    await bank.engine.close()
    with caplog.at_level(logging.WARNING, "headwater.commands"), pytest.raises(RuntimeError):
        await bank.bus.execute(Deposit(id="a1", amount=5))
    assert "a refused Deposit could not be recorded" in caplog.text


async def test_a_committed_command_is_not_overwritten_by_a_later_refusal() -> None:
    bank = await Bank([AuditMiddleware()]).open(Teller())
    await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")
    before = await records(bank)
    assert (await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1")).replayed
    assert await records(bank) == before


async def test_the_stores_own_trouble_is_on_record_too() -> None:
    @handles(Deposit)
    async def busy(c: Deposit) -> int:
        raise StoreBusy("the queue is full")

    bank = await Bank([AuditMiddleware()]).open(busy)
    with pytest.raises(StoreBusy):
        await bank.bus.execute(Deposit(id="a1", amount=5))
    assert [record.error for record in await records(bank)] == ["StoreBusy: the queue is full"]


def test_audit_needs_a_command_log() -> None:
    with pytest.raises(BadDeclaration, match="AuditMiddleware has no command log"):
        CommandBus([rate], [AuditMiddleware()]).prepare()

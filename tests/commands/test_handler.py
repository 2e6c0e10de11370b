"""Every way to write a command handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import attrs
import pydantic
import pytest

from headwater.commands.bus import CommandBus
from headwater.commands.handler import CommandHandler
from headwater.commands.repository import Repository
from headwater.domain.messages import Command, CommandLike
from headwater.errors import BadSignature, DuplicateName, InvalidMessage, MissingHandler
from headwater.handling.routing import handles
from tests.commands.bank import Account, Bank, Deposit, Open, Opened


@handles(Open)
async def open_account(c: Open, accounts: Repository[Account]) -> str:
    await accounts.save(Account.open(c.id, c.owner))
    return c.id


class Marked:
    @handles(Open)
    async def open(self, c: Open, accounts: Repository[Account]) -> str:
        return await open_account(c, accounts)

    @handles(Deposit)
    async def deposit(self, c: Deposit) -> int:
        return c.amount


class Whole(CommandHandler):
    async def handle(self, command: Open | Deposit, accounts: Repository[Account]) -> object:
        match command:
            case Open():
                return await open_account(command, accounts)
            case Deposit(amount=amount):
                return amount


@pytest.mark.parametrize("handler", [open_account, Marked(), Whole()])
async def test_a_handler_of_any_form(handler: object) -> None:
    bank = await Bank().open(handler)
    receipt = await bank.bus.execute(Open(id="a1", owner="ann"))
    assert receipt.result == "a1"
    assert receipt.events == (Opened(owner="ann"),)
    assert await bank.events("a1") == [Opened(owner="ann")]


async def test_a_mapping() -> None:
    bank = await Bank().open(open_account)
    assert (await bank.bus.execute({"type": "Open", "id": "a1", "owner": "ann"})).result == "a1"


@pytest.mark.parametrize(
    ("mapping", "error"),
    [
        ({"id": "a1"}, InvalidMessage),
        ({"type": 1}, InvalidMessage),
        ({"type": "Open", "id": "a1"}, InvalidMessage),
        ({"type": "Open", "id": "a1", "owner": "o", "__class__": "x"}, InvalidMessage),
        ({"type": "builtins.eval", "id": "1"}, InvalidMessage),
        ({"type": "Opened", "owner": "o"}, MissingHandler),
    ],
)
async def test_a_mapping_that_is_no_command(mapping: dict[str, object], error: type[Exception]) -> None:
    bank = await Bank().open(open_account)
    with pytest.raises(error):
        await bank.bus.execute(mapping)
    assert bank.store.appends == []


@dataclass(frozen=True)
class Data(CommandLike[str]):
    id: str


@attrs.frozen
class Attrs(CommandLike[str]):
    id: str


class Model(pydantic.BaseModel, CommandLike[str]):
    id: str


@pytest.mark.parametrize("cls", [Data, Attrs, Model])
async def test_commands_of_other_libraries(cls: type[Data]) -> None:
    @handles(cls)
    async def handle(command: Data | Attrs | Model, accounts: Repository[Account]) -> str:
        await accounts.save(Account.open(command.id, "ann"))
        return command.id

    bank = await Bank().open(handle)
    assert (await bank.bus.execute(cls(id="a1"), command_id="c1")).result == "a1"
    assert (await bank.bus.execute(cls(id="a1"), command_id="c1")).replayed


async def test_handlers_by_name_as_in_a_mapping() -> None:
    bus = CommandBus(handlers={"Deposit": Deposits()})
    assert (await bus.execute(Deposit(id="a1", amount=3))).result == 3
    with pytest.raises(MissingHandler, match="does not handle 'Open'"):
        CommandBus(handlers={"Open": Deposits()})


class Deposits(CommandHandler):
    async def handle(self, command: Deposit) -> int:
        return command.amount


class Nothing(CommandHandler):
    async def handle(self, command: Command[str]) -> None: ...


class Plain(CommandHandler):
    def handle(self, command: Deposit) -> int:
        return 0


class TwoStyles(CommandHandler):
    async def handle(self, command: Open) -> str:
        return ""

    @handles(Deposit)
    async def deposit(self, c: Deposit) -> int:
        return 0


async def unmarked(command: Open) -> str:
    return ""


@pytest.mark.parametrize(
    ("handler", "error", "complaint"),
    [
        (unmarked, MissingHandler, "handles nothing: mark it"),
        (Nothing(), MissingHandler, "handles nothing: mark it"),
        (Deposits, MissingHandler, "register an object of it"),
        (object(), MissingHandler, "handles nothing"),
        (Plain(), BadSignature, "must be `async def`"),
        (TwoStyles(), BadSignature, "choose one style"),
    ],
)
def test_what_is_no_handler(handler: object, error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        CommandBus([handler])


@handles(Deposit)
async def deposits_too(c: Deposit) -> int:
    return 0


def test_two_handlers_of_one_command() -> None:
    with pytest.raises(DuplicateName, match="Deposit has two handlers"):
        CommandBus([Deposits(), deposits_too])


async def test_no_handler() -> None:
    with pytest.raises(MissingHandler, match="Deposit has no handler"):
        await CommandBus().execute(Deposit(id="a", amount=1))


async def test_a_result_that_could_not_be_told_again_is_refused_before_the_commit() -> None:
    @handles(Deposit)
    async def deposit(c: Deposit, accounts: Repository[Account]) -> int:
        account = await accounts.load(c.id)
        account.deposit(c.amount)
        await accounts.save(account)
        return cast("int", "seven" if c.amount == 7 else c.amount)

    bank = await Bank().open(deposit)
    await bank.account("a1")
    for command_id in ("c1", None):
        with pytest.raises(InvalidMessage, match=r"deposit did not return the int that Deposit declares .*got `str`"):
            await bank.bus.execute(Deposit(id="a1", amount=7), command_id=command_id)
    assert await bank.events("a1") == [Opened(owner="a1")]
    assert (await bank.bus.execute(Deposit(id="a1", amount=8), command_id="c1")).result == 8


async def test_a_handler_of_another_return_type_is_refused_when_it_is_registered() -> None:
    async def wrong(c: Deposit) -> str:
        return c.id

    class Both(CommandHandler):
        async def handle(self, command: Open | Deposit) -> str | None:
            return command.id

    for handler in (handles(Deposit)(cast("Callable[[Deposit], Awaitable[int]]", wrong)), Both()):
        with pytest.raises(BadSignature, match="but Deposit declares int"):
            CommandBus([handler])

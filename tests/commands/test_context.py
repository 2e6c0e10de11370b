"""The context that a command is given: clean, small, and stored with its events."""

from __future__ import annotations

import json

import pytest

from headwater.commands.repository import Repository
from headwater.domain.metadata import Context
from headwater.errors import InvalidId, LimitExceeded
from headwater.handling.routing import handles
from tests.commands.bank import Account, Bank, Open


@handles(Open)
async def open_account(c: Open, accounts: Repository[Account]) -> str:
    await accounts.save(Account.open(c.id, c.owner))
    return c.id


@pytest.mark.parametrize("name", ["correlation_id", "causation_id", "principal", "tenant"])
@pytest.mark.parametrize("text", ["", "a\nlevel=error forged", "a\r\nSet-Cookie: x", "\x1b[2J", "\ud800", 5, b"a"])
async def test_a_field_that_is_no_clean_text(name: str, text: str) -> None:
    bank = await Bank().open(open_account)
    with pytest.raises(InvalidId, match=f"{name} of the context"):
        await bank.bus.execute(Open(id="a1", owner="ann"), context=Context(**{name: text}))  # type: ignore[arg-type]
    assert bank.store.appends == []


@pytest.mark.parametrize(
    "headers", [{"a\n": "b"}, {"": "b"}, {"a": "b\r\nc"}, {"a": 1}, {1: "a"}, {"a": None}, {"a": b"b"}, {"a": "\ud800"}]
)
async def test_a_header_that_is_no_clean_text(headers: dict[str, str]) -> None:
    bank = await Bank().open(open_account)
    with pytest.raises(InvalidId, match="header"):
        await bank.bus.execute(Open(id="a1", owner="ann"), context=Context(headers=headers))


@pytest.mark.parametrize(
    "context",
    [
        Context(headers={"a": "b" * 10_000_000}),
        Context(headers={f"header-{number}": "b" * 500 for number in range(100)}),
        Context(correlation_id="c" * 513),
    ],
)
async def test_a_context_that_is_too_large(context: Context) -> None:
    bank = await Bank().open(open_account)
    with pytest.raises(LimitExceeded):
        await bank.bus.execute(Open(id="a1", owner="ann"), context=context)
    assert bank.store.appends == []


async def test_a_context_is_stored_with_the_events() -> None:
    bank = await Bank().open(open_account)
    context = Context(
        command_id="forged", correlation_id="r1", causation_id="e1", principal="Zoë", tenant="t", headers={"h": ""}
    )
    await bank.bus.execute(Open(id="a1", owner="ann"), command_id="c1", context=context)
    (append,) = bank.store.appends
    assert json.loads(append.context) == {
        "command_id": "c1",
        "correlation_id": "r1",
        "causation_id": "e1",
        "principal": "Zoë",
        "tenant": "t",
        "headers": {"h": ""},
    }
    assert append.command is not None
    assert append.command.principal == "Zoë"

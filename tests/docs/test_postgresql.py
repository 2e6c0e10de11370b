"""The page on PostgreSQL: its application runs, as the role that its grants are for."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from headwater import (
    Command,
    CQRSManager,
    Event,
    Key,
    ProjectionHandler,
    ReadModel,
    Recorded,
    Repository,
    Views,
    handles,
    on,
)
from headwater.domain.aggregate import Aggregate
from headwater.engines.postgres import open_engine
from headwater.engines.postgres.location import Location
from headwater.ports.engine import EngineOptions
from tests.engines.servers import execute, fresh_schema, postgres_url

PAGE = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text(encoding="utf-8")
SCHEMA_OPTIONS = ("schema", "partitions", "pool", "connect_timeout", "lock_timeout", "statement_timeout", "deadline")


class AccountOpened(Event):
    account: str


class OpenAccount(Command[None]):
    account: str


class Account(Aggregate, category="account"):
    @on(AccountOpened)
    def opened(self, e: AccountOpened) -> None: ...


class AccountView(ReadModel, table="accounts"):
    id: Key[str]


class Accounts(ProjectionHandler, writes=[AccountView]):
    @on(AccountOpened)
    async def opened(self, e: Recorded[AccountOpened], views: Views) -> None:
        await views.insert(AccountView(id=e.data.account))


@handles(OpenAccount)
async def open_account(c: OpenAccount, accounts: Repository[Account]) -> None:
    await accounts.save(Account.new(c.account, AccountOpened(account=c.account)))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def application(url: str) -> CQRSManager:
    """The page's `app`, with the handlers of this file."""
    (program,) = blocks("python")
    names: dict[str, object] = {"open_account": open_account, "Accounts": Accounts}
    exec(program, names)  # what the page says is what runs
    made = names["app"](url)  # type: ignore[operator]
    assert isinstance(made, CQRSManager)
    return made


@pytest.fixture
async def urls() -> AsyncIterator[tuple[str, str]]:
    """The owner's URL and that of a role with no more than the page's grants."""
    role, password = f"app_{uuid.uuid4().hex}", uuid.uuid4().hex
    base = await asyncio.to_thread(postgres_url)
    async with fresh_schema() as owner:
        await execute(base, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        try:
            engine = open_engine(owner, EngineOptions())
            await engine.open()
            await engine.close()
            schema = parse_qs(urlsplit(owner).query)["schema"][0]
            (grants,) = blocks("sql")
            await execute(base, grants.replace("shop", schema).replace(" app;", f" {role};"))
            parts = urlsplit(owner)
            yield owner, f"postgresql://{role}:{password}@{parts.hostname}:{parts.port}{parts.path}?schema={schema}"
        finally:
            await execute(base, f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


async def test_the_role_can_do_what_an_application_does(urls: tuple[str, str]) -> None:
    _, url = urls
    async with application(url) as cqrs:
        await cqrs.commands.execute(OpenAccount(account="a"), wait_for=[Accounts])
        await cqrs.synchronizer.rebuild_read_model("accounts")
        assert [row.id for row in await cqrs.read_models.find(AccountView)] == ["a"]
        assert not [finding for finding in await cqrs.engine.admin.doctor() if "delete events" in finding.what]


@pytest.mark.parametrize("change", ["DELETE FROM", "UPDATE", "TRUNCATE"])
async def test_the_role_cannot_change_an_event(urls: tuple[str, str], change: str) -> None:
    owner, url = urls
    async with application(url) as cqrs:
        await cqrs.commands.execute(OpenAccount(account="a"))
    schema = parse_qs(urlsplit(owner).query)["schema"][0]
    statement = f'{change} "{schema}".events' + (" SET type = 'x'" if change == "UPDATE" else "")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(url.partition("?")[0], statement)


async def test_the_owner_is_warned_of_what_it_may_do(urls: tuple[str, str]) -> None:
    async with application(urls[0]) as cqrs:
        assert [finding for finding in await cqrs.engine.admin.doctor() if "delete events" in finding.what]


def test_the_page_names_each_option_and_its_default() -> None:
    location = Location.parse("postgresql://h/d", {})
    defaults = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]+)`? \|", PAGE, re.MULTILINE))
    assert set(defaults) == {*SCHEMA_OPTIONS, "synchronous"}
    for name in SCHEMA_OPTIONS:
        known = getattr(location, name)
        assert defaults[name].strip() == f"{8 if known is None else known:{'' if isinstance(known, str) else 'g'}}"

"""Surroundings: what of a server's settings endangers a store, and what is told of a store to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from headwater.engines.postgres import admin
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.surroundings import Surroundings, dangers
from headwater.testing.controls import ANN, append_of
from tests.engines.postgres.stores import opened, select
from tests.engines.servers import execute, fresh_schema, postgres_url

GOOD = Surroundings(
    version=150_018,
    encoding="UTF8",
    is_standby=False,
    may_delete=False,
    fsync="on",
    full_page_writes="on",
    synchronous_commit="on",
    data_checksums="on",
    connections=97,
    idle=0,
    age=12,
)


@pytest.mark.parametrize(
    ("changes", "severity", "what"),
    [
        ({"version": 130_022}, "error", "older than PostgreSQL 14"),
        ({"encoding": "SQL_ASCII"}, "error", "text as SQL_ASCII"),
        ({"is_standby": True}, "error", "is a standby"),
        ({"fsync": "off"}, "warning", "fsync is off"),
        ({"full_page_writes": "off"}, "warning", "full_page_writes is off"),
        ({"synchronous_commit": "off"}, "warning", "synchronous_commit is off"),
        ({"data_checksums": "off"}, "warning", "data_checksums is off"),
        ({"may_delete": True}, "warning", "may delete events"),
        ({"connections": 9}, "warning", "room for 9 connections"),
        ({"idle": 2}, "warning", "2 transactions stand idle"),
        ({"age": 1_500_000_000}, "warning", "1,500,000,000 transactions old"),
    ],
)
def test_what_endangers_the_promises_is_said(changes: dict[str, object], severity: str, what: str) -> None:
    (finding,) = dangers(msgspec.structs.replace(GOOD, **changes), 10, "here")
    assert (finding.severity, finding.where) == (severity, "here")
    assert what in finding.what


def test_a_server_as_it_should_be_is_no_danger() -> None:
    assert list(dangers(GOOD, 10, "here")) == []


async def test_a_server_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fresh_schema(synchronous="off", pool="1000") as url, opened(url) as engine:
        location = Location.parse(url, {})
        said = " ".join(finding.what for finding in await engine.admin.doctor())
        assert "synchronous_commit is off" in said
        assert "this process alone may open 1000" in said
        assert "may delete events" in said
        monkeypatch.setattr(admin, "IDLE", 0.0)
        idle = await asyncpg.connect(location.dsn)
        async with idle.transaction():
            await idle.fetchval("SELECT 1")
            assert any("stand idle" in finding.what for finding in await engine.admin.doctor())
        await idle.close()
        assert {finding.where for finding in await engine.admin.doctor()} == {location.shown}


async def test_a_role_that_may_not_delete_events_is_no_danger() -> None:
    async with fresh_schema() as url, opened(url) as engine:
        await select(url, "REVOKE DELETE ON events FROM CURRENT_USER")
        is_superuser = await select(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        said = [finding.what for finding in await engine.admin.doctor() if "may delete" in finding.what]
        assert bool(said) == is_superuser[0][0]


@asynccontextmanager
async def role_with_password(password: str) -> AsyncIterator[str]:
    """A role of its own that may do everything."""
    base, role = await asyncio.to_thread(postgres_url), f"teller_{uuid4().hex}"
    await execute(base, f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{password}'")
    try:
        yield role
    finally:
        await execute(base, f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP ROLE {role}")


def _as(url: str, role: str, password: str) -> str:
    """The URL for a role, with its password in it."""
    parts = urlsplit(url)
    options = {name: value for name, value in parse_qsl(parts.query) if name != "passfile"}
    return f"postgresql://{role}:{password}@{parts.hostname}:{parts.port}{parts.path}?{urlencode(options)}"


async def test_a_store_tells_of_itself_but_no_password() -> None:
    async with (
        fresh_schema(partitions="3") as url,
        role_with_password("s3cret") as role,
        opened(_as(url, role, "s3cret")) as engine,
    ):
        await engine.events.append(append_of(ANN, 2))
        info = await engine.admin.info()
        assert "s3cret" not in repr(info) + repr(await engine.admin.doctor())
        assert info.details["schema"] == Location.parse(url, {}).schema
        assert info.details["database"].startswith("postgresql://")
        assert info.details["role"] == "primary"
        assert info.details.keys() == {
            "database", "schema", "server", "synchronous_commit", "role", "standbys", "synchronous_standbys",
        }  # fmt: skip

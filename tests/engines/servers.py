"""Servers: where the tests find a real PostgreSQL, and a fresh schema in it for each test."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlencode, urlsplit, urlunsplit

import asyncpg

from tests.engines.run_servers import url_for_tests

__all__ = ["execute", "fresh_database", "fresh_schema", "fresh_schema_now", "postgres_url"]


def postgres_url() -> str:
    """The URL of a database that tests may fill; see `url_for_tests`."""
    return url_for_tests("postgres")


@asynccontextmanager
async def fresh_schema(**options: str) -> AsyncIterator[str]:
    """The URL of a schema that nobody else uses, dropped afterwards."""
    base = await asyncio.to_thread(postgres_url)
    schema = _new_name()
    try:
        yield _with_options(base, {"schema": schema, **options})
    finally:
        await _drop(base, schema)


@asynccontextmanager
async def fresh_database(clauses: str = "", settings: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """The URL of a database that nobody else uses, dropped afterwards.

    `clauses` are of its CREATE DATABASE, `settings` what its sessions have by default.
    """
    base = await asyncio.to_thread(postgres_url)
    name = _new_name()
    await execute(base, f"CREATE DATABASE {name} {clauses}")
    try:
        for setting, value in (settings or {}).items():
            await execute(base, f"ALTER DATABASE {name} SET {setting} = '{value}'")
        yield urlunsplit(urlsplit(base)._replace(path=f"/{name}"))
    finally:
        await execute(base, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def fresh_schema_now(**options: str) -> Iterator[str]:
    """The same where no loop runs, as in a fixture that is not async."""
    base, schema = postgres_url(), _new_name()
    try:
        yield _with_options(base, {"schema": schema, **options})
    finally:
        with ThreadPoolExecutor(1) as thread:  # a loop of its own, beside the one that pytest keeps
            thread.submit(asyncio.run, _drop(base, schema)).result()


def _new_name() -> str:
    return f"test_{uuid.uuid4().hex}"


def _with_options(url: str, options: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(options)}"


async def execute(url: str, script: str) -> None:
    """Run statements as one transaction, past any engine; `url` has no options of ours."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def _drop(url: str, schema: str) -> None:
    """Whoever still holds one of its locks is given a while to end."""
    await execute(url, f"SET lock_timeout = '20s'; DROP SCHEMA IF EXISTS \"{schema}\" CASCADE")

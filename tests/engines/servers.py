"""Servers: where the tests find a real PostgreSQL, and a fresh schema in it for each test."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

import asyncpg
import pytest

from headwater.errors import ConfigurationError, HeadwaterError
from headwater.testing.servers import PostgresServer
from headwater.testing.servers.postgres import FOR_TESTS

__all__ = ["absence", "execute", "fresh_database", "fresh_schema", "fresh_schema_now", "postgres_url", "stop_servers"]

ROOT = Path(__file__).parents[2]
VARIABLE = "HEADWATER_POSTGRES"
REQUIRED = "HEADWATER_REQUIRE_ENGINES"

_guards: list[subprocess.Popen[bytes]] = []
"""Each removes a server when this process lets it, or is gone."""


def postgres_url() -> str:
    """The URL of a database that tests may fill: $HEADWATER_POSTGRES, else one of a server started for this run.

    Skips the test by name where there is none, or fails it where HEADWATER_REQUIRE_ENGINES names postgres.
    Blocks: on a loop, hand it to a thread.
    """
    url = os.environ.get(VARIABLE) or _url_of_the_run()
    if isinstance(url, ConfigurationError):
        raise absence("postgres", f"{VARIABLE} names no database, and {url}")
    if isinstance(url, HeadwaterError):
        raise url
    return url


def stop_servers() -> None:
    """End what was started for this run."""
    while _guards:
        _guards.pop().communicate()


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


@functools.cache
def _url_of_the_run() -> str | HeadwaterError:
    """Started once; what keeps it from coming up is told to each test that asks."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-postgres-"))
    folder.chmod(0o711)  # the account of the server passes
    guard = [sys.executable, "-m", "tests.engines.server_guard", str(folder)]
    _guards.append(subprocess.Popen(guard, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True))
    server = PostgresServer(folder / "server", settings=FOR_TESTS)
    try:
        server.start()
    except HeadwaterError as error:
        stop_servers()
        return error
    return server.url


def absence(engine: str, reason: str) -> BaseException:
    """What ends a test that cannot have its server."""
    if engine in os.environ.get(REQUIRED, "").split(","):
        return pytest.fail.Exception(f"{REQUIRED} names {engine}, but {reason}", pytrace=False)
    return pytest.skip.Exception(reason)

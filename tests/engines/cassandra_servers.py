"""Cassandra servers: where the tests find a real Cassandra, and in it a keyspace for each test that is as good as new.

A table takes the server some 0.04 s of a processor to make, 0.25 to drop and 0.01 to empty, and a store has over
twenty: so the keyspace of a test that has ended is emptied for a later one.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from urllib.parse import urlencode, urlsplit, urlunsplit

from headwater.testing.servers.cassandra.native_protocol import ask
from tests.engines.run_servers import url_for_tests

__all__ = [
    "cassandra_url",
    "drop_keyspaces",
    "fresh_keyspace",
    "fresh_keyspace_now",
    "new_keyspace",
    "new_keyspace_now",
    "run",
]

SECONDS = 60.0
"""For one statement, such as a change of the schema on a machine that has much to do."""
AT_REST = 2
"""Keyspaces that wait before the first of them is used again, so that what a test has left under way is over."""

_resting: defaultdict[tuple[tuple[str, str], ...], deque[str]] = defaultdict(deque)
"""By the options of its URL, for with these a store was made."""


def cassandra_url() -> str:
    """The URL of a cluster that tests may fill; see `url_for_tests`."""
    return url_for_tests("cassandra")


@asynccontextmanager
async def fresh_keyspace(**options: str) -> AsyncIterator[str]:
    """The URL of a keyspace that nobody else uses: there is no store in it, or one that is empty and has a new id.

    A test that changes what a store says of itself, or gives it names of its own, takes a `new_keyspace`.
    """
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, fresh_keyspace_now(**options))


@contextmanager
def fresh_keyspace_now(**options: str) -> Iterator[str]:
    """The same where no loop runs, as in a fixture that is not async."""
    base, resting = cassandra_url(), _resting[tuple(sorted(options.items()))]
    name = resting.popleft() if len(resting) >= AT_REST else _new_name()
    _empty(base, name)
    try:
        yield _url_of(base, name, options)
    finally:
        resting.append(name)


@asynccontextmanager
async def new_keyspace(**options: str) -> AsyncIterator[str]:
    """The URL of a keyspace that is not there yet, dropped afterwards."""
    stack = ExitStack()
    try:
        yield await asyncio.to_thread(stack.enter_context, new_keyspace_now(**options))
    finally:
        await asyncio.to_thread(stack.close)


@contextmanager
def new_keyspace_now(**options: str) -> Iterator[str]:
    """The same where no loop runs."""
    base, name = cassandra_url(), _new_name()
    try:
        yield _url_of(base, name, options)
    finally:
        run(base, f"DROP KEYSPACE IF EXISTS {name}")


def drop_keyspaces() -> None:
    """After the run; not on a server that goes with it."""
    base = os.environ.get("HEADWATER_CASSANDRA")
    for name in [name for resting in _resting.values() for name in resting] if base else ():
        run(str(base), f"DROP KEYSPACE IF EXISTS {name}")


def run(url: str, statement: str) -> list[list[str]]:
    """What one statement answers, in texts, past any engine. Blocks: on a loop, hand it to a thread."""
    hosts, _, port = urlsplit(url).netloc.rpartition(":")
    return ask(hosts.split(",")[0], int(port), statement, SECONDS)


def _empty(base: str, name: str) -> None:
    """The tables of the store lose their rows and its identity changes; those of read models go."""
    tables = {table for (table,) in run(base, _TABLES.format(name))}
    if "headwater_store" not in tables:
        return
    kept = {table for row in run(base, _NAMES.format(name)) for table in row}
    for table in sorted(tables - {"headwater_store"}):
        is_kept = table in kept or table.startswith("headwater_")
        run(base, f'{"TRUNCATE" if is_kept else "DROP TABLE"} {name}."{table}"')
    run(base, _NEW_IDENTITY.format(name, uuid.uuid4(), secrets.token_hex(32)))


_TABLES = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{}'"
_NAMES = "SELECT event_store, command_store FROM {}.headwater_store"
_NEW_IDENTITY = (
    "UPDATE {}.headwater_store SET store_id = '{}', secret = 0x{}, follows = null, copy_of = null, copying = false "
    "WHERE only_row = 0 IF EXISTS"
)


def _new_name() -> str:
    return f"test_{uuid.uuid4().hex}"


def _url_of(base: str, keyspace: str, options: Mapping[str, str]) -> str:
    return urlunsplit(urlsplit(base)._replace(path=f"/{keyspace}", query=urlencode(options)))

"""Cassandra servers: where the tests find a real Cassandra, and in it a keyspace for each test that is as good as new.

A table takes the server some 0.04 s of a processor to make, 0.25 to drop and 0.01 to empty, and a store has over
twenty: so the keyspace of a test that has ended is used again by a later one, once those tables are empty that were
written to.
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

from headwater.engines.cassandra.rows.table import physical
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
_emptied_after: defaultdict[str, dict[str, str]] = defaultdict(dict)
"""By keyspace and table, how many writes the node had counted when it was emptied last."""
_used_by = dict[str, str]()
"""By keyspace, the file of the test that had it last."""


def cassandra_url() -> str:
    """The URL of a cluster that tests may fill; see `url_for_tests`."""
    return url_for_tests("cassandra")


@asynccontextmanager
async def fresh_keyspace(**options: str) -> AsyncIterator[str]:
    """The URL of a keyspace that nobody else uses: there is no store in it, or one that is empty and has a new id.

    A test that changes what a store says of itself, gives it names of its own, or asks how safely it is kept, takes a
    `new_keyspace`.
    """
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, fresh_keyspace_now(**options))


@contextmanager
def fresh_keyspace_now(**options: str) -> Iterator[str]:
    """The same where no loop runs, as in a fixture that is not async."""
    base, resting = cassandra_url(), _resting[tuple(sorted(options.items()))]
    name = resting.popleft() if len(resting) >= AT_REST else _new_forgetful(base)
    _empty(base, name)
    _used_by[name] = _file()
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
    """The tables of the store lose what was written since the last time, and its identity changes. Those of read models
    go, but for plain ones between two tests of one file, whose models are the same."""
    tables = {table for (table,) in run(base, _TABLES.format(name))}
    if "headwater_store" not in tables:
        return
    plain = _plain_models(base, name) if _used_by.get(name) == _file() else {}
    kept = {table for row in run(base, _NAMES.format(name)) for table in row}
    kept |= {physical(kind, model, 0) for model in plain for kind in ("rm", "rw")}
    writes = dict(run(base, _WRITES.format(name)))
    for table in sorted(tables - {"headwater_store"}):
        if table not in kept and not table.startswith("headwater_"):
            run(base, f'DROP TABLE {name}."{table}"')
        elif writes[table] != _emptied_after[name].get(table, "0"):
            run(base, f'TRUNCATE {name}."{table}"')
    for model, declaration in plain.items():
        run(base, _NEW_MODEL.format(name, model, declaration.replace("'", "''")))
    _emptied_after[name] = writes  # what is written from here on is another's to take away
    run(base, _NEW_IDENTITY.format(name, uuid.uuid4(), secrets.token_hex(32)))


def _plain_models(base: str, name: str) -> dict[str, str]:
    """The declarations of read models of which nothing else is known, by name."""
    found, plain = run(base, _MODELS.format(name)), dict[str, str]()
    for model, number, declaration, orders, *more in found:
        others = [each for each in found if each[0] == model and each[1] != number]
        if (number, orders) == ("0", "[]") and not others and not any(more):
            plain[model] = declaration
    return plain


def _file() -> str:
    """Where the test stands that runs."""
    return os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]


_MODELS = (
    "SELECT name, CAST(number AS text), declaration, orders, accumulated, added, indexed, asked "
    "FROM {}.headwater_read_models"
)
_NEW_MODEL = "INSERT INTO {}.headwater_read_models (name, number, declaration, orders) VALUES ('{}', 0, '{}', '[]')"
_NEW_KEYSPACE = (
    "CREATE KEYSPACE {} WITH replication = {{'class': 'NetworkTopologyStrategy', '{}': 1}} AND durable_writes = false"
)
_TABLES = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{}'"
_WRITES = "SELECT table_name, CAST(count AS text) FROM system_views.local_write_latency WHERE keyspace_name = '{}'"
_NAMES = "SELECT event_store, command_store FROM {}.headwater_store"
_NEW_IDENTITY = (
    "UPDATE {}.headwater_store SET store_id = '{}', secret = 0x{}, follows = null, copy_of = null, copying = false "
    "WHERE only_row = 0 IF EXISTS"
)


def _new_forgetful(base: str) -> str:
    """The name of a keyspace of which the server keeps no log: its tables are emptied without being written first."""
    name, [[where]] = _new_name(), run(base, "SELECT data_center FROM system.local")
    run(base, _NEW_KEYSPACE.format(name, where))
    return name


def _new_name() -> str:
    return f"test_{uuid.uuid4().hex}"


def _url_of(base: str, keyspace: str, options: Mapping[str, str]) -> str:
    return urlunsplit(urlsplit(base)._replace(path=f"/{keyspace}", query=urlencode(options)))

"""stores: where the stores of faults lie: in a SQLite file, on PostgreSQL or Cassandra; the same faults meet all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import msgspec

from tests.engines.cassandra_servers import new_keyspace
from tests.faults.folder import a_folder
from tests.faults.postgres_servers import a_server, with_options

__all__ = ["ON_CASSANDRA", "ON_POSTGRES", "ON_SQLITE", "Stores"]

LOCK_TIMEOUT = 4.0
"""Seconds; after half of them the server ends a transaction in which somebody is frozen, and the others go on."""


class Stores(msgspec.Struct, frozen=True):
    """A kind of store: how promises about it begin, and the URL of a new one, removed after the block."""

    title: str
    new: Callable[[int], AbstractAsyncContextManager[str]]
    """With so many partitions, if it can have several."""


@asynccontextmanager
async def _a_file(_: int) -> AsyncGenerator[str, None]:
    with a_folder() as folder:
        yield f"sqlite:///{folder}/store.db?busy_timeout=60"


@asynccontextmanager
async def _a_schema(partitions: int) -> AsyncGenerator[str, None]:
    async with a_server() as server:
        yield with_options(server.url, partitions=partitions, lock_timeout=LOCK_TIMEOUT)


@asynccontextmanager
async def _a_keyspace(partitions: int) -> AsyncGenerator[str, None]:
    """On a node that a whole run shares, for only its clients die: see `url_for_tests`."""
    async with new_keyspace(partitions=str(partitions)) as url:
        yield url


ON_SQLITE = Stores("", _a_file)
ON_POSTGRES = Stores("PostgreSQL: ", _a_schema)
ON_CASSANDRA = Stores("Cassandra: ", _a_keyspace)

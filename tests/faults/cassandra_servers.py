"""cassandra_servers: three real nodes of Cassandra, durable, with a proxy before each, for a run of faults."""

from __future__ import annotations

import asyncio
import atexit
import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from urllib.parse import urlencode
from uuid import uuid4

import msgspec

from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.ports.engine import EngineOptions
from headwater.testing.servers import CassandraServer
from headwater.testing.servers.cassandra import QUICK_START, CassandraNode
from tests.faults.cassandra_operation import shrink_stores
from tests.faults.cql_proxy import CqlProxy, before, proxies_before
from tests.faults.folder import a_folder
from tests.faults.proxy import Mode

__all__ = ["Cluster", "opened", "three_nodes"]

_DURABLE = {"commitlog_sync": "group", "commitlog_sync_period": "", "commitlog_sync_group_window": "10ms"}
"""What is acknowledged is on the disk: several nodes are killed at once."""


class Cluster(msgspec.Struct, frozen=True):
    """Three nodes, and what stands before them."""

    server: CassandraServer
    proxies: Sequence[CqlProxy]
    port: int
    """Of the proxies."""

    @property
    def nodes(self) -> Sequence[CassandraNode]:
        return self.server.nodes

    async def new_store(self, **options: object) -> tuple[str, str]:
        """Make a store of small chunks and buckets: its URL at the nodes, and through the proxies."""
        url = f"{self.server.url_of(f'fire_{uuid4().hex[:12]}')}?{urlencode(options)}"
        async with opened(url):
            return url, before(url, self.port)

    def lead_to(self, *numbers: int) -> None:
        """Have the proxies lead to these nodes alone."""
        for number, proxy in enumerate(self.proxies):
            proxy.become(Mode.PASS if number in numbers else Mode.REFUSE)
            if number not in numbers:
                proxy.cut()

    async def recover(self) -> None:
        """Have every node run, and wait until they see each other."""
        await asyncio.to_thread(self.server.thaw)
        await asyncio.to_thread(self.server.start)


@asynccontextmanager
async def three_nodes() -> AsyncIterator[Cluster]:
    """They are started once and run until this process ends; whoever comes next finds all of them well."""
    server = await asyncio.to_thread(_server)
    async with proxies_before(server.url) as (port, proxies):
        cluster = Cluster(server, proxies, port)
        try:
            yield cluster
        finally:
            await cluster.recover()


@functools.cache
def _server() -> CassandraServer:
    """In a folder of its own, removed in the end."""
    stack = ExitStack()
    folder = stack.enter_context(a_folder())
    atexit.register(stack.close)  # only now: a temporary folder goes at exit, too, and must not go first
    folder.chmod(0o711)  # the account of the nodes passes
    server = CassandraServer(folder / "nodes", nodes=3, settings=_DURABLE, options=QUICK_START)
    stack.callback(server.delete)
    server.start()
    return server


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[CassandraEngine]:
    """An engine whose stores are small."""
    shrink_stores()
    engine = open_engine(url, EngineOptions())
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()

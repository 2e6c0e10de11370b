"""Server: a Cassandra of one node or several for a run of the benchmarks, set as in production.

Each side gets its own keyspace.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.machine import folder
from headwater.engines.cassandra import open_engine
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.ports.engine import EngineOptions
from headwater.testing.servers.cassandra import CassandraServer

__all__ = ["Server", "opened", "server"]


class Server:
    """A running node, and new keyspaces on it."""

    def __init__(self, server: CassandraServer) -> None:
        self._server = server
        self._made = 0

    def store(self, **options: str) -> str:
        """The URL of a store that is not there yet."""
        self._made += 1
        query = "&".join(f"{name}={text}" for name, text in options.items())
        return f"{self._server.url_of(f'bench_{self._made}')}?{query}"


@contextmanager
def server(nodes: int = 1) -> Iterator[Server]:
    """Started on the benchmarks' disk, removed at the end. Raises ConfigurationError where none can be had."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-", dir=folder(), ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o711)  # the server's account passes
        running = CassandraServer(Path(place, "cassandra"), nodes=nodes)
        try:
            running.start()
            yield Server(running)
        finally:
            running.delete()


async def opened(url: str) -> CassandraEngine:
    """The engine on this store."""
    engine = open_engine(url, EngineOptions())
    await engine.open()
    return engine

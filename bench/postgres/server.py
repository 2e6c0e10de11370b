"""Server: PostgreSQL for one run of the benchmarks, with the durability of production; each side gets its own store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.machine import folder
from headwater.engines.postgres import open_engine
from headwater.engines.postgres.engine import PostgresEngine
from headwater.ports.engine import EngineOptions
from headwater.testing.servers import PostgresServer

__all__ = ["Server", "opened", "server"]

_SETTINGS: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",  # a checkpoint in the middle of a round would be charged to whoever runs then
}


class Server:
    """A running server, and new places on it."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._made = 0

    @property
    def version(self) -> str:
        """PostgreSQL's."""
        return self._server.query("SHOW server_version")

    @property
    def url(self) -> str:
        """For drivers; it names the file with the password."""
        return self._server.url

    def schema(self) -> str:
        """The name of a schema that is not there yet."""
        self._made += 1
        return f"bench_{self._made}"

    def store(self) -> str:
        """The URL of a store that is not there yet."""
        return f"{self.url}&schema={self.schema()}"

    def database(self) -> str:
        """The URL of a new database, for a peer."""
        self._made += 1
        name = f"peer_{self._made}"
        self._server.query(f"CREATE DATABASE {name}")
        return self._server.url_of(name)


@contextmanager
def server() -> Iterator[Server]:
    """Started on the benchmarks' disk, removed at the end. Raises ConfigurationError where none is installed."""
    with tempfile.TemporaryDirectory(prefix="headwater-bench-", dir=folder(), ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o711)  # the server's account passes
        running = PostgresServer(Path(place, "postgres"), settings=_SETTINGS)
        try:
            running.start()
            yield Server(running)
        finally:
            running.delete()


async def opened(url: str) -> PostgresEngine:
    """The engine on this store."""
    engine = open_engine(url, EngineOptions())
    await engine.open()
    return engine

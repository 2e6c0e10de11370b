"""postgres_servers: a real PostgreSQL as in production, durable, for a run of faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from headwater.testing.servers import PostgresServer
from tests.faults.folder import a_folder

__all__ = ["a_server", "with_options"]

_DURABLE = {"max_connections": "120", "shared_buffers": "128MB", "log_min_messages": "fatal"}


@asynccontextmanager
async def a_server() -> AsyncIterator[PostgresServer]:
    """A server in a folder of its own with nothing switched off, removed in the end."""
    with a_folder() as folder:
        folder.chmod(0o711)  # the account of the server passes
        server = PostgresServer(folder / "server", settings=_DURABLE)
        await asyncio.to_thread(server.start)
        try:
            yield server
        finally:
            await asyncio.to_thread(server.delete)


def with_options(url: str, **options: object) -> str:
    """The URL, which has options already, with more of the engine's."""
    return f"{url}&{urlencode(options)}"

"""proxy: a TCP proxy on loopback that passes, delays, cuts, swallows the replies to COMMIT, or hangs."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

__all__ = ["Mode", "Pair", "Proxy", "a_proxy", "reset"]

Pair = tuple[asyncio.StreamWriter, asyncio.StreamWriter]
"""To the client, and to the server."""

_CHUNK = 1 << 16
_COMMIT = b"COMMIT\0"
"""How PostgreSQL's simple query ends, and no other message of ours."""
_HOST = "127.0.0.1"


class Mode(Enum):
    """What becomes of what comes."""

    PASS = "pass"
    DELAY = "delay"
    HANG = "hang"
    """New connections are accepted, and nothing gets through, either way."""
    REFUSE = "refuse"
    """New connections are cut at once."""
    SWALLOW = "swallow"
    """COMMIT gets through, its reply does not, and the connection is cut."""


class Proxy:
    """Stands before one server."""

    def __init__(self, host: str, port: int) -> None:
        self._server = host, port
        self._mode = Mode.PASS
        self._delay = 0.0
        self._changed = asyncio.Event()
        self._pairs: set[Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None
        self.swallowed = 0
        """Replies that nobody got."""
        self._has_swallowed = asyncio.Event()

    async def start(self, host: str = _HOST, port: int = 0) -> None:
        self._listening = await asyncio.start_server(self._accept, host, port)

    async def stop(self) -> None:
        assert self._listening is not None
        self._listening.close()
        self.cut()
        await asyncio.sleep(0)  # what was accepted just now is known a turn later
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed a turn later

    @property
    def port(self) -> int:
        assert self._listening is not None
        return int(self._listening.sockets[0].getsockname()[1])

    def before(self, url: str) -> str:
        """The URL of the server, as it is reached through here."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{user}@{_HOST}:{self.port}"))

    async def swallow_one(self, then: Mode = Mode.PASS) -> None:
        """Have the next reply to COMMIT lost, and become another thing once it was."""
        self._has_swallowed.clear()
        self.become(Mode.SWALLOW)
        await self._has_swallowed.wait()
        self.become(then)

    def become(self, mode: Mode, delay: float = 0.0) -> None:
        """From now on, for connections that are there as well; what hangs goes on, unless this is to hang."""
        self._mode, self._delay = mode, delay
        if mode is not Mode.HANG:
            self._changed.set()
            self._changed = asyncio.Event()

    def cut(self) -> int:
        """Reset every connection, on both sides, now; how many there were."""
        pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for writer in pair:
                reset(writer)
        return len(pairs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with suppress(asyncio.CancelledError):  # asyncio complains of a handler that ends so
                await self._connect(reader, writer)
        finally:
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self._mode is Mode.HANG:
            await self._changed.wait()
        if self._mode is Mode.REFUSE:
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._server)
        except OSError:
            return
        pair = writer, server_writer
        self._pairs.add(pair)
        both = self._both_ways(pair, reader, server_reader)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._pairs.discard(pair)
            server_writer.transport.abort()  # before anything that `stop` could cancel
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    def _both_ways(
        self, pair: Pair, client: asyncio.StreamReader, server: asyncio.StreamReader
    ) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
        """What carries requests and replies of one connection."""
        committing = asyncio.Event()
        return (
            asyncio.create_task(self._requests(client, pair[1], committing)),
            asyncio.create_task(self._replies(server, pair[0], committing)),
        )

    async def _requests(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, committing: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self.obey()
                if self._mode is Mode.SWALLOW and data.endswith(_COMMIT):
                    committing.set()
                server.write(data)
                await server.drain()

    async def _replies(
        self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, committing: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self.obey()
                if committing.is_set():
                    self.swallowed += 1
                    self._has_swallowed.set()
                    reset(client)
                    return
                client.write(data)
                await client.drain()

    async def obey(self) -> None:
        """Wait as long as the mode has it."""
        while self._mode is Mode.HANG:
            await self._changed.wait()
        if self._mode is Mode.DELAY:
            await asyncio.sleep(self._delay)


@asynccontextmanager
async def a_proxy(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server of a URL, stopped in the end."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = Proxy(parts.hostname, parts.port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close without a farewell: whoever is on the other side gets an error, not an end."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

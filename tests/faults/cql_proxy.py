"""cql_proxy: a proxy before each node of a Cassandra cluster, which swallows the replies to conditional writes.

A driver connects to every node it hears of, by the node's own address and the one port it was given: so the proxies
listen on the addresses of the nodes, on a port of their own.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from headwater.testing.servers.cassandra.layout import lay_out
from tests.faults.cql_frames import Conversation, Statements, frames_of
from tests.faults.proxy import Mode, Pair, Proxy, reset

__all__ = ["CqlProxy", "before", "proxies_before"]

_CHUNK = 1 << 16


class CqlProxy(Proxy):
    """Before one node. Of the replies to conditional writes it swallows a share: the node has done, or is about to do,
    what nobody will hear of."""

    def __init__(self, host: str, port: int, statements: Statements) -> None:
        super().__init__(host, port)
        self.share = 0.0
        """Of the replies to conditional writes, to be swallowed."""
        self.cuts = 0.5
        """Of those, that end their connection too."""
        self.asked: Counter[str] = Counter()
        """Conditional writes that came, by table."""
        self._statements = statements
        self._chance = random.Random(port)

    def _both_ways(
        self, pair: Pair, client: asyncio.StreamReader, server: asyncio.StreamReader
    ) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
        conversation = Conversation(self._statements)
        return (
            asyncio.create_task(self._pass_requests(client, pair[1], conversation)),
            asyncio.create_task(self._pass_replies(server, pair[0], conversation)),
        )

    async def _pass_requests(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, conversation: Conversation
    ) -> None:
        received = bytearray()
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self.obey()
                received += data
                for request in frames_of(received):
                    table = conversation.asks(request)
                    if table is not None:
                        self.asked[table] += 1
                    if server.is_closing():
                        return
                    server.write(request.bytes)
                await server.drain()

    async def _pass_replies(
        self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, conversation: Conversation
    ) -> None:
        received = bytearray()
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self.obey()
                received += data
                for reply in frames_of(received):
                    if conversation.answers(reply) is not None and self._chance.random() < self.share:
                        self.swallowed += 1
                        if self._chance.random() < self.cuts:
                            reset(client)
                            return
                    elif client.is_closing():
                        return
                    else:
                        client.write(reply.bytes)
                await client.drain()


def before(url: str, port: int) -> str:
    """The URL of a cluster, as it is reached by another port."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))


@asynccontextmanager
async def proxies_before(url: str) -> AsyncIterator[tuple[int, Sequence[CqlProxy]]]:
    """Their port, and one before each node, stopped in the end."""
    hosts, _, port = urlsplit(url).netloc.rpartition(":")
    names, statements = hosts.split(","), Statements()
    own_port = lay_out(3 if len(names) > 1 else 1, None).port
    async with AsyncExitStack() as stack:
        proxies = [CqlProxy(host, int(port), statements) for host in names]
        for host, proxy in zip(names, proxies, strict=True):
            await proxy.start(host, own_port)
            stack.push_async_callback(proxy.stop)
        yield own_port, proxies
        for proxy in proxies:
            proxy.become(Mode.PASS)

"""python-cqrs: a request sent to a no-op handler through three pass-through middlewares, its container a plain call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from importlib.metadata import version

import cqrs
from cqrs.bootstrap import requests
from cqrs.middlewares.base import Middleware

from bench.serving import serve_async


class Ping(cqrs.Request[None]):
    number: int


class PingHandler(cqrs.RequestHandler[Ping]):
    async def handle(self, request: Ping) -> None:
        return None


class PassThrough(Middleware):
    async def __call__(self, request: Ping, handle: Callable[[Ping], Awaitable[None]]) -> None:
        return await handle(request)


class PlainContainer:
    """Makes handlers by calling their class: its `di` container would cost several times as much."""

    external_container = None

    def attach_external_container(self, container: object) -> None: ...

    async def resolve(self, cls: type[object]) -> object:
        return cls()


async def main() -> None:
    logging.disable(logging.CRITICAL)
    mediator = requests.bootstrap(
        di_container=PlainContainer(),
        commands_mapper=lambda mapping: mapping.bind(Ping, PingHandler),
        middlewares=[PassThrough(), PassThrough(), PassThrough()],
    )

    async def send(number: int) -> None:
        for count in range(number):
            await mediator.send(Ping(number=count))

    await serve_async(version("python-cqrs"), send)


if __name__ == "__main__":
    asyncio.run(main())

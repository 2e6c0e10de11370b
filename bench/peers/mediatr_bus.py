"""mediatr: a request sent to a no-op function handler through three pass-through behaviours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version

from mediatr import Mediator

from bench.serving import serve_async


class Ping:
    def __init__(self, number: int) -> None:
        self.number = number


async def main() -> None:
    # Annotations must be classes, not text: mediatr looks handlers up by them.
    async def handler(request: Ping) -> None:
        return None

    async def first(request: Ping, next: Callable[[], Awaitable[None]]) -> None:
        return await next()

    async def second(request: Ping, next: Callable[[], Awaitable[None]]) -> None:
        return await next()

    async def third(request: Ping, next: Callable[[], Awaitable[None]]) -> None:
        return await next()

    handler.__annotations__["request"] = Ping
    Mediator.handler(handler)
    for behaviour in (first, second, third):
        behaviour.__annotations__["request"] = Ping
        Mediator.behavior(behaviour)
    mediator = Mediator()

    async def send(number: int) -> None:
        for count in range(number):
            await mediator.send_async(Ping(count))

    await serve_async(version("mediatr"), send)


if __name__ == "__main__":
    asyncio.run(main())

"""waku: a request invoked through three pass-through behaviours and a no-op handler, all in one request scope."""

# No `from __future__ import annotations`: waku reads the annotations as classes.

import asyncio
import logging
from dataclasses import dataclass
from importlib.metadata import version

from waku import WakuFactory, module
from waku.messaging import (
    CallNext,
    IMessageBus,
    IPipelineBehavior,
    IRequest,
    MessagingConfig,
    MessagingExtension,
    MessagingModule,
    RequestHandler,
)

from bench.serving import serve_async


@dataclass(frozen=True, kw_only=True)
class Ping(IRequest[None]):
    number: int


class PingHandler(RequestHandler[Ping, None]):
    async def handle(self, request: Ping, /) -> None:
        return None


class First(IPipelineBehavior[Ping, None]):
    async def handle(self, message: Ping, /, call_next: CallNext[None]) -> None:
        return await call_next()


class Second(First):
    pass


class Third(First):
    pass


@module(extensions=[MessagingExtension().bind(Ping, PingHandler)])
class Pings:
    pass


@module(imports=[Pings, MessagingModule.register(MessagingConfig(pipeline_behaviors=[First, Second, Third]))])
class App:
    pass


async def main() -> None:
    logging.disable(logging.CRITICAL)
    app = WakuFactory(App).create()
    async with app, app.container() as container:
        bus = await container.get(IMessageBus)

        async def invoke(number: int) -> None:
            for count in range(number):
                await bus.invoke(Ping(number=count))

        await serve_async(version("waku"), invoke)


if __name__ == "__main__":
    asyncio.run(main())

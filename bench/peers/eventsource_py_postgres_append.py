"""eventsource-py: one event for each append to its PostgreSQL store, in tasks on streams of their own.

It needs Python 3.13: this file runs in an environment of its own and imports nothing of headwater.
"""

import asyncio
import logging
import os
import sys
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from eventsource import DomainEvent, register_event
from eventsource.adapters._sql.engine import create_async_engine
from eventsource.adapters.postgresql.store import PostgreSQLEventStore
from eventsource.domain import StreamId
from eventsource.ports import ExpectedVersion

from bench.serving import serve_async


@register_event
class Credited(DomainEvent):
    aggregate_type: str = "Account"
    amount: int


async def main(url: str, callers: int) -> None:
    logging.disable(logging.CRITICAL)
    parts = urlsplit(url)
    os.environ["PGPASSFILE"] = parse_qs(parts.query)["passfile"][0]
    engine = create_async_engine(f"postgresql+asyncpg://{parts.netloc}{parts.path}", pool_size=callers)
    store = PostgreSQLEventStore(engine, create_schema=True)

    async def call(number: int) -> None:
        id = uuid4()
        for count in range(number):
            event = Credited(aggregate_id=id, aggregate_version=count + 1, amount=10)
            await store.append(StreamId(id, "Account"), [event], ExpectedVersion.exact(count))

    async def run(number: int) -> None:
        await asyncio.gather(*(call(number // callers) for _ in range(callers)))

    await run(callers)
    await serve_async(version("eventsource-py"), run)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

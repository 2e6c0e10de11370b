"""An append whose transaction stands still before its COMMIT, and who waits behind it on the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from headwater.domain.append import Append
from headwater.domain.stream import StreamId
from headwater.engines.postgres.append_plan import Plan
from headwater.engines.postgres.appender import Placed
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.engine import PostgresEngine
from tests.engines.postgres.stores import select

__all__ = ["Standing", "apart", "behind", "standing"]


class Standing:
    """Follows an append's events, until it is told to go on."""

    def __init__(self) -> None:
        self.session = 0
        """The number of its session on the server."""
        self.placed: asyncio.Task[Placed]
        """What becomes of the append."""
        self._is_there = asyncio.Event()
        self._goes_on = False
        self._wanted: asyncio.Queue[tuple[str, asyncio.Future[None]] | None] = asyncio.Queue()

    async def start(self, engine: PostgresEngine, append: Append) -> None:
        """Until its transaction has done all but COMMIT."""
        self.placed = asyncio.create_task(engine._events._appender.append_alone(append, self._follow))
        there = asyncio.create_task(self._is_there.wait())
        await asyncio.wait((self.placed, there), return_when=asyncio.FIRST_COMPLETED)
        assert self._is_there.is_set(), self.placed.result()

    async def execute(self, statement: str) -> None:
        """One more statement in its transaction."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted.put_nowait((statement, done))
        await done

    def go_on(self) -> None:
        """From now on, however often it is tried."""
        self._goes_on = True
        self._wanted.put_nowait(None)

    async def _follow(self, connection: Connection, plan: Plan) -> None:
        self.session = cast("int", await connection.fetchval("SELECT pg_backend_pid()"))
        self._is_there.set()
        while not self._goes_on and (wanted := await self._wanted.get()) is not None:
            statement, done = wanted
            await connection.execute(statement)
            done.set_result(None)


@asynccontextmanager
async def standing(engine: PostgresEngine, append: Append) -> AsyncIterator[Standing]:
    """It goes on when it is told, at the latest in the end."""
    stands = Standing()
    await stands.start(engine, append)
    try:
        yield stands
    finally:
        stands.go_on()
        await asyncio.wait((stands.placed,))


async def behind(url: str, session: int, waiting: int = 1) -> None:
    """Until so many sessions wait for what this one holds."""
    question = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))"
    while (await select(url, question, session))[0] != (waiting,):
        pass


def apart(engine: PostgresEngine) -> list[StreamId]:
    """A stream for each partition, in the order in which these are locked."""
    streams = [StreamId("user", str(number)) for number in range(100)]
    of = {engine.log.partition_of(str(stream)): stream for stream in streams}
    return [of[partition] for partition in range(engine.log.partitions)]

"""Closing while others still ask: each gets an answer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress

import apsw
import pytest

from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.wakeups import SqliteWakeups
from headwater.engines.sqlite.writer import Writer
from headwater.errors import StoreClosed

ROUNDS = 150


@pytest.fixture(autouse=True)
def _threads_that_take_turns_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


async def asked_until_closed(pool: Writer | Readers) -> list[asyncio.Future[int]]:
    """What was asked for while another thread closed the pool."""
    asked: list[asyncio.Future[int]] = []
    closing = asyncio.create_task(asyncio.to_thread(pool.close))
    with suppress(StoreClosed):
        while True:
            asked.append(pool.run(apsw.Connection.total_changes))
            if len(asked) % 100 == 0:
                await asyncio.sleep(0)
    await closing
    return asked


async def test_no_write_is_left_without_an_answer() -> None:
    for _ in range(ROUNDS):
        writer = Writer(1_000_000, SqliteWakeups(Statements("events", "commands"), Readers(1)))
        writer.start(apsw.Connection(":memory:"))
        assert set(await asyncio.gather(*await asked_until_closed(writer))) <= {0}


async def test_no_read_is_left_without_an_answer() -> None:
    for _ in range(ROUNDS):
        readers = Readers(1_000_000)
        readers.start([apsw.Connection(":memory:") for _ in range(4)])
        assert set(await asyncio.gather(*await asked_until_closed(readers))) <= {0}

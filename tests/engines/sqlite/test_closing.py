"""Closing while others still ask: each gets an answer."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from headwater.engines.sqlite import open_engine
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.wakeups import SqliteWakeups
from headwater.engines.sqlite.writer import Writer
from headwater.errors import StoreClosed
from headwater.ports.engine import EngineOptions, Identity
from headwater.testing.controls import ANN, append_of

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


async def test_a_close_that_is_cancelled_is_one_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is committed, and who opens it anew finds it closed first."""
    engine = open_engine(f"sqlite:///{tmp_path}/store.db", EngineOptions())
    await engine.open()
    may_go = threading.Event()
    writes = [engine._writer.run(lambda _: may_go.wait()), *(engine._writer.run(lambda _: True) for _ in range(3))]
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait((closing,))
    still_written: list[bool] = []
    open_file = engine._open

    def look_and_open() -> Identity:
        still_written.append(engine._writer._thread is not None)
        return open_file()

    monkeypatch.setattr(engine, "_open", look_and_open)
    opening = asyncio.create_task(engine.open())
    for _ in range(100):
        await asyncio.sleep(0)
    may_go.set()
    assert await asyncio.gather(*writes) == [True] * 4
    await opening
    assert still_written == [False]
    await engine.events.append(append_of(ANN))
    await engine.close()

"""The group commit: many jobs, one transaction, and one bad job that fails alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest

from headwater.domain.append import Append, UniqueKey
from headwater.domain.stream import StreamId
from headwater.domain.version import Exact
from headwater.engines.sqlite import SqliteEngine, open_engine
from headwater.engines.sqlite.writer import Writer
from headwater.errors import DuplicateEventId, InvalidMessage, StoreBusy, StoreClosed, WrongExpectedVersion
from headwater.limits import Limits
from headwater.ports.engine import EngineOptions
from headwater.testing.controls import ANN, BOB, MAIL, TOO_MUCH, Tally, append_of, log_of, new_event, tally


@asynccontextmanager
async def held(engine: SqliteEngine) -> AsyncIterator[None]:
    """Inside, whatever is queued waits for the end, and then is one group."""
    started, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def wait(_: apsw.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        go_on.wait()

    waiting = writer_of(engine).run(wait)
    await started.wait()
    try:
        yield
    finally:
        go_on.set()
    await waiting


def writer_of(engine: SqliteEngine) -> Writer:
    return engine._writer


async def together(engine: SqliteEngine, *appends: Append) -> list[object]:
    """What each comes to, committed as one group."""
    async with held(engine):
        tasks = [asyncio.ensure_future(engine.events.append_atomic(append)) for append in appends]  # type: ignore[attr-defined]
        await asyncio.sleep(0)
    return [type(outcome) for outcome in await asyncio.gather(*tasks, return_exceptions=True)]


async def versions(engine: SqliteEngine) -> list[tuple[str, int, int]]:
    return [(event.stream, event.version, event.offset) for event in await log_of(engine)]


async def test_what_waits_is_one_transaction(engine: SqliteEngine) -> None:
    async with held(engine):
        tasks = [asyncio.ensure_future(engine.events.append(append_of(StreamId("n", str(n))))) for n in range(50)]
        await asyncio.sleep(0)
        before = engine.wakeups.seen()
    await asyncio.gather(*tasks)
    assert engine.wakeups.seen() == before + 2  # the one that held the writer, and the group
    assert await engine.log.head(0) == 50


async def test_appends_of_one_group_see_each_other(engine: SqliteEngine) -> None:
    outcomes = await together(
        engine, append_of(ANN, 1, Exact(0)), append_of(ANN, 1, Exact(1)), append_of(ANN, 1, Exact(1))
    )
    assert outcomes[2] is WrongExpectedVersion
    assert await versions(engine) == [("user-ann", 1, 0), ("user-ann", 2, 1)]


async def test_one_that_is_refused_before_it_writes_fails_alone(engine: SqliteEngine) -> None:
    outcomes = await together(engine, append_of(ANN), append_of(BOB, 1, Exact(7)), append_of(BOB))
    assert outcomes[1] is WrongExpectedVersion
    assert await versions(engine) == [("user-ann", 1, 0), ("user-bob", 1, 1)]


async def test_one_that_fails_after_it_has_written_fails_alone(engine: SqliteEngine) -> None:
    taken = new_event()
    outcomes = await together(
        engine,
        append_of(ANN, [taken]),
        append_of(BOB, [new_event(), new_event(), taken], claims=(MAIL,)),
        append_of(BOB, 2),
        append_of(ANN, 1, Exact(1), claims=(MAIL,)),
    )
    assert outcomes[1] is DuplicateEventId
    assert [outcome.__name__ for outcome in outcomes if isinstance(outcome, type)].count("Appended") == 3
    assert await versions(engine) == [("user-ann", 1, 0), ("user-bob", 1, 1), ("user-bob", 2, 2), ("user-ann", 2, 3)]
    assert await engine.unique_keys.holder(MAIL) == "user-ann"
    assert [finding async for finding in engine.admin.verify() if not isinstance(finding, int)] == []


async def test_changes_that_fail_take_their_own_append_with_them(engine: SqliteEngine) -> None:
    await engine.read_model_schema.ensure([Tally])
    bad = Append(writes=append_of(BOB).writes, changes=(tally("b"), TOO_MUCH))
    good = Append(writes=append_of(ANN).writes, changes=(tally("a"),))
    assert (await together(engine, good, bad, append_of(BOB)))[1] is InvalidMessage
    assert await versions(engine) == [("user-ann", 1, 0), ("user-bob", 1, 1)]
    assert await engine.read_models.get(Tally, "a") is not None
    assert await engine.read_models.get(Tally, "b") is None


@pytest.mark.parametrize("error", [ValueError("a bug"), StopIteration(), KeyboardInterrupt(), SystemExit()])
async def test_the_writer_outlives_whatever_a_job_raises(engine: SqliteEngine, error: BaseException) -> None:
    def bad(connection: apsw.Connection) -> None:
        connection.execute("DELETE FROM headwater_streams")
        raise error

    await engine.events.append(append_of(ANN))
    job = writer_of(engine).run(bad)
    await asyncio.wait([job])
    assert isinstance(job.exception(), type(error) if not isinstance(error, StopIteration) else RuntimeError)
    await engine.events.append(append_of(ANN, 1, Exact(1)))
    assert await engine.events.head(ANN) == 2


async def test_a_job_that_changes_the_schema_fails_whole(engine: SqliteEngine) -> None:
    def bad(connection: apsw.Connection) -> None:
        connection.execute("CREATE TABLE half_made (x)")
        raise ValueError("a bug")

    async with held(engine):
        job, good = writer_of(engine).run_alone(bad), asyncio.ensure_future(engine.events.append(append_of(ANN)))
        await asyncio.sleep(0)
    with pytest.raises(ValueError, match="a bug"):
        await job
    await good
    found = await engine._readers.run(lambda connection: connection.table_exists("main", "half_made"))
    assert not found


async def test_cancelled_before_it_starts_an_append_is_skipped(engine: SqliteEngine) -> None:
    async with held(engine):
        cancelled = asyncio.ensure_future(engine.events.append(append_of(ANN, claims=(MAIL,))))
        kept = asyncio.ensure_future(engine.events.append(append_of(BOB)))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
    await kept
    assert await versions(engine) == [("user-bob", 1, 0)]
    assert await engine.unique_keys.holder(MAIL) is None


async def test_cancelled_at_any_moment_an_append_is_whole_or_absent(engine: SqliteEngine) -> None:
    keys = [UniqueKey("n", str(n)) for n in range(100)]
    streams = [StreamId("n", str(n)) for n in range(100)]
    appends = [
        asyncio.ensure_future(engine.events.append(append_of(stream, 3, claims=(key,))))
        for stream, key in zip(streams, keys, strict=True)
    ]
    for n, task in enumerate(appends):
        if n % 2:
            await engine.events.head(ANN)
            task.cancel()
    await asyncio.wait(appends)
    await engine.events.append(append_of(ANN))  # the last: everything before it has been decided
    for stream, key in zip(streams, keys, strict=True):
        whole = await engine.events.head(stream) == 3, await engine.unique_keys.holder(key) == str(stream)
        assert whole in {(True, True), (False, False)}
    assert [finding async for finding in engine.admin.verify() if not isinstance(finding, int)] == []


async def test_close_finishes_what_is_queued_and_refuses_what_comes_after(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}", EngineOptions())
    await engine.open()
    async with held(engine):
        tasks = [asyncio.ensure_future(engine.events.append(append_of(StreamId("n", str(n))))) for n in range(20)]
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(engine.close())
        await asyncio.sleep(0)
    await asyncio.gather(*tasks, closing)
    for late in (engine.events.append(append_of(ANN)), engine.events.head(ANN), engine.log.head(0)):
        with pytest.raises(StoreClosed):
            await late
    await engine.close()
    await engine.open()
    assert await engine.log.head(0) == 20
    await engine.close()


async def test_a_full_queue_says_so(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}", EngineOptions(limits=Limits(queued_writes=3)))
    await engine.open()
    async with held(engine):
        tasks = [asyncio.ensure_future(engine.events.append(append_of(StreamId("n", str(n))))) for n in range(5)]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(outcome, StoreBusy) for outcome in outcomes] == [False, False, False, True, True]
    await engine.close()

"""Copies onto Cassandra: what is kept in order though the copy is interrupted, and who may work on it meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from headwater.copying import StoreCopy
from headwater.domain.append import Written
from headwater.domain.event import StoredEvent
from headwater.domain.importing import Import, Imported
from headwater.engines.cassandra import migrations, open_engine
from headwater.engines.cassandra.copying import copied_records
from headwater.engines.cassandra.copying.copied_log import CopiedLog
from headwater.engines.cassandra.engine import CassandraEngine
from headwater.engines.cassandra.protocol.core import Core
from headwater.engines.cassandra.protocol.rows import Logged
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.memory import MemoryEngine
from headwater.errors import IdempotencyMismatch, StoreBusy, StoreUnavailable
from headwater.ports.engine import EngineOptions
from headwater.testing.conformance.imports import SOURCE, replace, stored, unplaced
from headwater.testing.controls import ANN, BOB, MAIL, append_of, command_of, log_of, new_event
from tests.engines.cassandra_servers import fresh_keyspace, new_keyspace

GIVEN = [*stored(BOB, 1), *stored(ANN, 1, 2), *stored(BOB, 2), *stored(ANN, 3)]


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with fresh_keyspace(partitions="1") as url:
        yield url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[CassandraEngine]:
    engine = open_engine(url, EngineOptions())
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


async def places(engine: CassandraEngine) -> list[tuple[str, int]]:
    return [(event.stream, event.version) for event in await log_of(engine)]


def of(events: Sequence[StoredEvent]) -> list[tuple[str, int]]:
    return [(event.stream, event.version) for event in events]


async def interrupted(engine: CassandraEngine, batch: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a batch, and die before the log has it."""

    async def dying(*_: object) -> None:
        raise OSError("the process is gone")

    with monkeypatch.context() as patched:
        patched.setattr(CopiedLog, "extend", dying)
        with pytest.raises(OSError, match="gone"):
            await engine.imports.take(batch)


async def test_what_an_interrupted_import_left_comes_in_the_order_given(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url) as engine:
        await engine.imports.begin(SOURCE)
        await interrupted(engine, Import(events=GIVEN), monkeypatch)
        assert await engine.events.head(ANN) == 3
    async with opened(url) as engine:
        assert await places(engine) == []
        await engine.imports.begin(SOURCE)
        assert await engine.imports.take(Import(events=GIVEN)) == Imported()
        assert await places(engine) == of(GIVEN)


async def test_another_import_than_the_one_that_was_interrupted_keeps_each_stream_in_order(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url) as engine:
        await engine.imports.begin(SOURCE)
        await interrupted(engine, Import(events=GIVEN), monkeypatch)
        assert await engine.imports.take(Import(events=GIVEN[2:3])) == Imported()
        assert await places(engine) == [(str(ANN), version) for version in (1, 2, 3)]
        assert await engine.imports.take(Import(events=GIVEN)) == Imported()
        assert await places(engine) == [*[(str(ANN), version) for version in (1, 2, 3)], (str(BOB), 1), (str(BOB), 2)]


async def test_a_batch_of_more_than_the_log_takes_at_once_lies_in_order(url: str) -> None:
    """Two streams, each longer than one append may be, in turns."""
    ann, bob = stored(ANN, *range(1, 1_202)), stored(BOB, *range(1, 1_202))
    given = [event for pair in zip(bob, ann, strict=True) for event in pair]
    async with opened(url) as engine:
        await engine.imports.begin(SOURCE)
        assert await engine.imports.take(Import(events=given)) == Imported(2_402)
        assert await places(engine) == of(given)
        assert [step async for step in engine.admin.verify() if not isinstance(step, int)] == []


def small(**given: int) -> Shape:
    """So small that every seam is crossed."""
    sizes = {"events_per_chunk": 10, "events_per_bucket": 7, "events_per_append": 4, "events_per_log_batch": 3}
    return Shape(**(sizes | given))


async def test_chunks_and_buckets_have_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "Shape", small)
    ann, bob = stored(ANN, *range(1, 36)), stored(BOB, *range(1, 36))
    given = [event for pair in zip(bob, ann, strict=True) for event in pair]
    records = [replace(command_of(f"c{n}"), writes=(Written(str(ANN), n, n),), timestamp=n) for n in range(1, 20)]
    async with new_keyspace(partitions="1") as url:
        async with opened(url) as engine:
            await engine.imports.begin(SOURCE)
            await interrupted(engine, Import(events=given[:30]), monkeypatch)
        async with opened(url) as engine:
            await engine.imports.begin(SOURCE)
            assert await engine.imports.take(Import(events=given[:40])) == Imported(10)
            assert await engine.imports.take(Import(events=given, commands=records)) == Imported(30, 19)
            assert await places(engine) == of(given)
            assert unplaced(await engine.events.load(ANN)) == unplaced(ann)
            assert await engine.imports.take(Import(events=given, commands=records)) == Imported()
            assert [page async for page in engine.commands.all()] == [records]
            assert [step async for step in engine.admin.verify() if not isinstance(step, int)] == []


async def test_there_and_back_nothing_is_lost(url: str) -> None:
    """Tags too, though nothing is found by them there."""
    first, second = MemoryEngine(3, EngineOptions()), MemoryEngine(2, EngineOptions())
    await first.open()
    await second.open()
    await first.events.append(append_of(ANN, [new_event(tags=("room:1", "course:c1"))], command=command_of("c1")))
    await first.events.append(append_of(BOB, 3, claims=(MAIL,), partition_key="team"))
    await first.commands.record(command_of("refused", error="no"))
    async with opened(url) as engine:
        there = await StoreCopy(first, engine, lambda *_: None).run("first", "there")
        back = await StoreCopy(engine, second, lambda *_: None).run("there", "second")
    assert (there.differences, back.differences) == ([], [])
    assert there.digest == back.digest
    assert (back.streams, back.events, back.commands, back.keys) == (2, 4, 2, 1)


async def test_no_intent_is_left(url: str) -> None:
    async with opened(url) as engine:
        await engine.imports.begin(SOURCE)
        await engine.imports.take(Import(events=GIVEN))
        assert await engine._session.run(f"SELECT * FROM {engine._cql.keyspace}.headwater_intents") == []


async def test_nobody_logs_while_a_store_is_copied_into(url: str) -> None:
    """A sequencer that works on the store is in the way of a copy, and comes back behind it."""
    async with opened(url) as other:
        while not other._sequencers.is_owner(0):
            await other.wakeups.wait(other.wakeups.seen(), 0.05)
        async with opened(f"{url}&deadline=0.1") as engine:
            with pytest.raises(StoreBusy, match="close whatever runs on this store"):
                await engine.imports.begin(SOURCE)
    async with opened(url) as engine:
        await engine.imports.begin(SOURCE)
        await engine.imports.take(Import(events=GIVEN))
        await engine.imports.finish()
        await engine.events.append(append_of(ANN, 2))
        assert await engine.log.head(0) == 7


async def test_records_are_kept_once_though_their_places_were_not(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [replace(command_of(f"c{n}"), writes=(Written(str(ANN), 1, 1),), timestamp=n) for n in range(3)]

    def dying(rows: Sequence[Logged]) -> Core[None]:
        raise OSError("the process is gone")
        yield

    async with opened(url) as engine:
        await engine.imports.begin(SOURCE)
        with monkeypatch.context() as patched:
            patched.setattr(copied_records, "_place", dying)
            with pytest.raises(OSError, match="gone"):
                await engine.imports.take(Import(commands=records))
    async with opened(url) as engine:
        await engine.imports.begin(SOURCE)
        assert await engine.imports.take(Import(commands=records)) == Imported()
        assert [page async for page in engine.commands.all()] == [records]
        assert await engine.commands.find("c1") == records[1]


async def test_a_copied_command_is_known_to_who_opens_the_copy(url: str) -> None:
    record = replace(command_of("c1"), writes=(Written(str(ANN), 1, 1),), timestamp=7)
    async with opened(url) as engine:
        await engine.imports.begin(SOURCE)
        await engine.imports.take(Import(events=GIVEN, commands=[record]))
        await engine.imports.finish()
    async with opened(url) as engine:
        await engine.follow((await engine.open()).store_id)
        assert (await engine.events.append(append_of(ANN, command=command_of("c1")))).replayed == record
        with pytest.raises(IdempotencyMismatch):
            await engine.events.append(append_of(ANN, command=command_of("c1", "another payload")))
        assert (await engine.events.append(append_of(ANN, command=command_of("c2")))).replayed is None
        assert await engine.events.head(ANN) == 4


async def test_what_does_not_get_through_is_tried_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extend, calls = CopiedLog.extend, list[int]()

    async def failing(log: CopiedLog, part: int, *given: object) -> None:
        calls.append(part)
        if len(calls) == 1:
            raise StoreUnavailable("no answer")
        await extend(log, part, *given)  # type: ignore[arg-type]  # as they came

    async with opened(url) as engine:
        await engine.imports.begin(SOURCE)
        monkeypatch.setattr(CopiedLog, "extend", failing)
        assert await engine.imports.take(Import(events=GIVEN)) == Imported(5)
        assert await places(engine) == of(GIVEN)
        assert len(calls) == 2

"""A copy is equal in all that is kept, whatever the engines, or is said not to be."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from headwater.copying import Copied, StoreCopy
from headwater.domain.append import CommandRecord, UniqueKey
from headwater.domain.event import StoredEvent
from headwater.domain.importing import Import, Imported
from headwater.domain.stream import StreamId
from headwater.engines.memory import MemoryEngine
from headwater.engines.sqlite import open_engine as open_sqlite
from headwater.errors import ImportRefused, StoreMismatch
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.ports.log import LogFilter, LogPage
from headwater.ports.unique_keys import HeldKey
from headwater.testing.controls import ANN, BOB, MAIL, append_of, command_of, log_of, new_event
from tests.engines.cassandra_servers import fresh_keyspace
from tests.engines.servers import fresh_schema

KEY = UniqueKey("user-email", "eve@example.com")


@pytest.fixture
async def source() -> AsyncIterator[Engine]:
    """Streams in several partitions, one under another key; hidden events, commands, a key that changed hands."""
    engine = MemoryEngine(3, EngineOptions())
    await engine.open()
    await engine.events.append(append_of(StreamId("course", "c1"), [new_event(tags=("course:c1", "room:1"))]))
    await engine.events.append(append_of(ANN, 3, claims=(MAIL,), command=command_of("c1"), context=b'{"tenant":"t"}'))
    await engine.events.append(append_of(ANN, [new_event(topic="out")], releases=(MAIL,), command=command_of("c2")))
    await engine.events.append(append_of(BOB, 2, claims=(MAIL,), partition_key="team"))
    for number in range(40):
        await engine.events.append(append_of(StreamId("order", str(number)), 20))
    await engine.commands.record(command_of("refused", error="no"))
    yield engine
    await engine.close()


@pytest.fixture(params=["memory", "sqlite", "postgres", "cassandra"])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    servers = {"postgres": fresh_schema, "cassandra": fresh_keyspace}
    async with AsyncExitStack() as stack:
        urls = {"memory": "memory://?partitions=2", "sqlite": f"sqlite:///{tmp_path}/copy.db"}
        if request.param in servers:
            urls[request.param] = await stack.enter_async_context(servers[request.param](partitions="4"))
        engine = open_engine(urls[request.param], EngineOptions())
        await engine.open()
        yield engine
        await engine.close()


async def copied(source: Engine, target: Engine) -> Copied:
    ids = (await source.open()).store_id, (await target.open()).store_id
    return await StoreCopy(source, target, lambda *_: None).run(*ids)


def unplaced(events: Sequence[StoredEvent]) -> list[StoredEvent]:
    events = sorted(events, key=lambda event: (event.stream, event.version))
    return [msgspec.structs.replace(event, partition=0, offset=0) for event in events]


async def test_all_that_is_kept_is_equal(source: Engine, target: Engine) -> None:
    result = await copied(source, target)
    assert result.differences == []
    assert (result.streams, result.events, result.new_events, result.commands, result.keys) == (43, 807, 807, 3, 1)
    assert unplaced(await log_of(target)) == unplaced(await log_of(source))
    assert await target.unique_keys.holder(MAIL) == str(BOB)
    assert await target.commands.find("c1") == await source.commands.find("c1")
    assert target.log.partition_of("team") == (await target.log.offset_of(str(BOB), 1) or (None,))[0]


async def test_run_again_it_brings_what_came_meanwhile(source: Engine, target: Engine) -> None:
    assert (await copied(source, target)).new_events == 807
    await source.events.append(append_of(ANN, 2, command=command_of("c3")))
    await source.events.append(append_of(StreamId("order", "new"), 3))
    result = await copied(source, target)
    assert result.differences == []
    assert (result.new_events, result.events, result.commands) == (5, 812, 4)
    assert unplaced(await log_of(target)) == unplaced(await log_of(source))


async def test_every_phase_is_told(source: Engine, target: Engine) -> None:
    told: dict[str, tuple[int, int | None]] = {}
    ids = (await source.open()).store_id, (await target.open()).store_id
    await StoreCopy(source, target, lambda phase, done, total: told.update({phase: (done, total)})).run(*ids)
    assert told == {"events": (807, 807), "commands": (3, None), "unique keys": (1, 1), "compared": (807, 807)}


async def test_a_copy_that_has_gone_its_own_way_is_left_alone(source: Engine, target: Engine) -> None:
    await copied(source, target)
    await target.events.append(append_of(ANN))
    await source.events.append(append_of(ANN))
    before = await log_of(target)
    (difference,) = (await copied(source, target)).differences
    assert "the events are not the same" in difference
    assert await log_of(target) == before


async def test_a_copy_that_an_application_uses_takes_in_no_more(source: Engine, target: Engine) -> None:
    await copied(source, target)
    await target.follow((await target.open()).store_id)
    with pytest.raises(StoreMismatch):
        await copied(source, target)


async def test_an_interrupted_copy_goes_on(source: Engine, target: Engine) -> None:
    """After a page, and after its commit got lost."""
    taking = target.imports.take
    pages = 0

    async def dying(batch: Import) -> Imported:
        nonlocal pages
        pages += 1
        taken = await taking(batch)
        if pages == 2:
            raise OSError("the line is cut")
        return taken

    target.imports.take = dying  # type: ignore[method-assign]
    with pytest.raises(OSError, match="cut"):
        await copied(source, target)
    target.imports.take = taking  # type: ignore[method-assign]
    result = await copied(source, target)
    assert result.differences == []
    assert 0 < result.new_events < 807


async def no_tags(partition: int, start: int, stop: int) -> Mapping[int, tuple[str, ...]]:
    return {}


async def no_keys(after: UniqueKey | None = None, limit: int = 1_000) -> Sequence[HeldKey]:
    return []


async def other_records(page: int = 1_000) -> AsyncIterator[Sequence[CommandRecord]]:
    yield [command_of("c1")]


@pytest.mark.parametrize(
    ("port", "method", "lying", "what"),
    [
        ("events", "tags_between", no_tags, "events"),
        ("unique_keys", "held", no_keys, "unique keys"),
        ("commands", "all", other_records, "records of commands"),
    ],
)
async def test_a_difference_is_found(
    source: Engine, target: Engine, port: str, method: str, lying: Callable[..., object], what: str
) -> None:
    setattr(getattr(target, port), method, lying)
    (difference,) = (await copied(source, target)).differences
    assert what in difference
    origin = await target.imports.origin()
    assert origin is not None
    assert not origin.is_whole


@pytest.mark.parametrize(
    "change",
    [{"data": b"[]"}, {"context": b"[]"}, {"timestamp": 1}, {"event_id": bytes(16)}, {"type": "Other"}, {"schema": 9}],
)
async def test_an_event_that_differs_is_found(source: Engine, target: Engine, change: dict[str, object]) -> None:
    reading = target.log.read

    async def bent(partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        page = await reading(partition, start, limit, only)
        events = [msgspec.structs.replace(e, **change) if e.stream == str(ANN) else e for e in page.events]
        return LogPage(events, page.next)

    target.log.read = bent  # type: ignore[method-assign]
    (difference,) = (await copied(source, target)).differences
    assert "the events are not the same" in difference


async def test_what_comes_while_it_is_compared_is_no_difference(source: Engine, target: Engine) -> None:
    """In a stream that is there, and in a new one with a key."""
    reading = target.commands.all

    async def meanwhile(page: int = 1_000) -> AsyncIterator[Sequence[CommandRecord]]:
        await source.events.append(append_of(ANN, 3))
        await source.events.append(append_of(StreamId("user", "eve"), claims=(KEY,), command=command_of("eve")))
        async for records in reading(page):
            yield records

    target.commands.all = meanwhile  # type: ignore[method-assign]
    result = await copied(source, target)
    assert (result.differences, result.behind, result.events) == ([], 4, 807)
    target.commands.all = reading  # type: ignore[method-assign]
    result = await copied(source, target)
    assert (result.differences, result.behind, result.new_events) == ([], 0, 4)
    assert await target.unique_keys.holder(KEY) == "user-eve"


async def test_a_key_that_is_claimed_once_the_events_were_read_is_no_difference(source: Engine, target: Engine) -> None:
    reading = source.unique_keys.held
    appended = False

    async def late(after: UniqueKey | None = None, limit: int = 1_000) -> Sequence[HeldKey]:
        nonlocal appended
        if not appended:
            appended = True
            await source.events.append(append_of(StreamId("user", "eve"), claims=(KEY,)))
        return await reading(after, limit)

    source.unique_keys.held = late  # type: ignore[method-assign]
    result = await copied(source, target)
    assert (result.differences, result.behind) == ([], 1)


async def test_records_in_another_order_are_the_same(source: Engine, target: Engine) -> None:
    """One that was numbered early and committed late comes with the next run, behind the others."""
    keeping = source.commands.all

    async def not_yet(page: int = 1_000) -> AsyncIterator[Sequence[CommandRecord]]:
        async for records in keeping(page):
            yield [record for record in records if record.id != "c1"]

    source.commands.all = not_yet  # type: ignore[method-assign]
    assert (await copied(source, target)).commands == 2
    source.commands.all = keeping  # type: ignore[method-assign]
    result = await copied(source, target)
    assert (result.commands, result.differences) == (3, [])


async def test_the_digest_is_that_of_the_contents(source: Engine, target: Engine) -> None:
    first = await copied(source, target)
    assert (await copied(source, target)).digest == first.digest
    await source.events.append(append_of(ANN))
    assert (await copied(source, target)).digest != first.digest


async def test_a_store_with_events_of_its_own_becomes_no_copy(source: Engine, target: Engine) -> None:
    await target.events.append(append_of(ANN))
    with pytest.raises((StoreMismatch, ImportRefused)):
        await copied(source, target)


async def test_a_store_is_no_copy_of_itself(source: Engine) -> None:
    with pytest.raises(StoreMismatch, match="both store"):
        await copied(source, source)


async def test_killed_in_the_middle_the_command_line_goes_on(tmp_path: Path) -> None:
    here, there = f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/there.db"
    engine = open_sqlite(here, EngineOptions())
    await engine.open()
    for number in range(150):
        await engine.events.append(append_of(StreamId("order", str(number)), 40))
    await engine.close()
    command = [sys.executable, "-m", "headwater.cli", "copy", here, there, "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reached = open_sqlite(there, EngineOptions())
    await reached.open()
    while process.returncode is None and not await reached.log.head(0):
        await reached.wakeups.wait(reached.wakeups.seen(), 0.05)
    await reached.close()
    if process.returncode is None:
        process.kill()
    await process.wait()
    again = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    told, _ = await again.communicate()
    assert again.returncode == 0
    result = json.loads(told)
    assert (result["events"], result["differences"]) == (6_000, [])

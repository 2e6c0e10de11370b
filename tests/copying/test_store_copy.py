"""A copy is equal in all that is kept, whatever the engines, or is said not to be."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from headwater.copying import Copied, StoreCopy
from headwater.domain.event import StoredEvent
from headwater.domain.importing import Import, Imported
from headwater.domain.stream import StreamId
from headwater.engines.memory import MemoryEngine
from headwater.engines.sqlite import open_engine as open_sqlite
from headwater.errors import ImportRefused, StoreMismatch
from headwater.opening import open_engine
from headwater.ports.engine import Engine, EngineOptions
from headwater.testing.controls import ANN, BOB, MAIL, append_of, command_of, log_of, new_event
from tests.engines.servers import fresh_schema


@pytest.fixture
async def source() -> AsyncIterator[Engine]:
    """Streams in several partitions, one under another key; hidden events, commands, a key that changed hands."""
    engine = MemoryEngine(3, EngineOptions())
    await engine.open()
    await engine.events.append(append_of(ANN, 3, claims=(MAIL,), command=command_of("c1"), context=b'{"tenant":"t"}'))
    await engine.events.append(append_of(ANN, [new_event(topic="out")], releases=(MAIL,), command=command_of("c2")))
    await engine.events.append(append_of(BOB, 2, claims=(MAIL,), partition_key="team"))
    for number in range(40):
        await engine.events.append(append_of(StreamId("order", str(number)), 20))
    await engine.commands.record(command_of("refused", error="no"))
    yield engine
    await engine.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    async with fresh_schema(partitions="4") as url:
        urls = {"memory": "memory://?partitions=2", "sqlite": f"sqlite:///{tmp_path}/copy.db", "postgres": url}
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
    assert (result.streams, result.events, result.new_events, result.commands, result.keys) == (42, 806, 806, 3, 1)
    assert unplaced(await log_of(target)) == unplaced(await log_of(source))
    assert await target.unique_keys.holder(MAIL) == str(BOB)
    assert await target.commands.find("c1") == await source.commands.find("c1")
    assert target.log.partition_of("team") == (await target.log.offset_of(str(BOB), 1) or (None,))[0]


async def test_run_again_it_brings_what_came_meanwhile(source: Engine, target: Engine) -> None:
    assert (await copied(source, target)).new_events == 806
    await source.events.append(append_of(ANN, 2, command=command_of("c3")))
    await source.events.append(append_of(StreamId("order", "new"), 3))
    result = await copied(source, target)
    assert result.differences == []
    assert (result.new_events, result.events, result.commands) == (5, 811, 4)
    assert unplaced(await log_of(target)) == unplaced(await log_of(source))


async def test_every_phase_is_told(source: Engine, target: Engine) -> None:
    told: dict[str, tuple[int, int | None]] = {}
    ids = (await source.open()).store_id, (await target.open()).store_id
    await StoreCopy(source, target, lambda phase, done, total: told.update({phase: (done, total)})).run(*ids)
    assert told == {"events": (806, 806), "commands": (3, None), "unique keys": (1, 1), "compared": (42, 42)}


async def test_a_copy_that_has_gone_its_own_way_is_left_alone(source: Engine, target: Engine) -> None:
    await copied(source, target)
    await target.events.append(append_of(ANN))
    await source.events.append(append_of(ANN))
    before = await log_of(target)
    assert (await copied(source, target)).differences == [f"stream {str(ANN)!r} is not the same in both"]
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
    assert 0 < result.new_events < 806


async def test_a_difference_is_found(source: Engine, target: Engine) -> None:
    loading = target.events.load

    async def bent(stream: StreamId, after: int = 0, up_to: int | None = None) -> Sequence[StoredEvent]:
        events = await loading(stream, after, up_to)
        return [msgspec.structs.replace(event, data=b"[]") if stream == ANN else event for event in events]

    target.events.load = bent  # type: ignore[method-assign]
    result = await copied(source, target)
    assert result.differences == [f"stream {str(ANN)!r} is not the same in both"]
    origin = await target.imports.origin()
    assert origin is not None
    assert not origin.is_whole


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

"""Inline appends on the writer's thread: in a group with others, and far from any event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from pathlib import Path

import pytest

from headwater.domain.append import Appended
from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId
from headwater.engines.sqlite import SqliteEngine
from headwater.errors import InlineHandlerSuspended
from headwater.models.changes import Accumulate, Change, Insert
from headwater.models.criteria import All
from headwater.models.model import Key, ReadModel, Searchable
from headwater.models.pipeline import Accumulator, Group
from headwater.ports.inline_appends import InlineAppends, InlineProjection
from headwater.ports.place import Place
from headwater.ports.read_models import ReadModels
from headwater.testing.controls import ANN, append_of
from tests.engines.sqlite.stores import opened

CALLER: ContextVar[str] = ContextVar("CALLER", default="nobody")


class Note(ReadModel, table="note"):
    id: Key[str]
    text: Searchable[str] = ""
    count: int = 0


Handle = Callable[[Sequence[StoredEvent], ReadModels], Awaitable[Sequence[Change]]]


async def count(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
    return [Accumulate(Note, "all", Note(id="all"), add={"count": len(events)})]


async def append(engine: SqliteEngine, handle: Handle, stream: StreamId = ANN) -> Appended:
    assert isinstance(engine.events, InlineAppends)
    return await engine.events.append_inline(append_of(stream), [InlineProjection("notes", (Note,), handle)])


async def counted(engine: SqliteEngine) -> int:
    note = await engine.read_models.get(Note, "all")
    return note.count if note else 0


async def test_one_that_fails_does_not_spoil_its_group(tmp_path: Path) -> None:
    async def fail(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
        raise ZeroDivisionError

    async with opened(tmp_path, Note) as engine:
        streams = [StreamId("user", f"{number}") for number in range(100)]
        outcomes = await asyncio.gather(
            *(append(engine, fail if number % 10 == 3 else count, stream) for number, stream in enumerate(streams)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes[:5]] == [Appended] * 3 + [ZeroDivisionError, Appended]
        assert len([outcome for outcome in outcomes if isinstance(outcome, ZeroDivisionError)]) == 10
        assert await counted(engine) == await engine.log.head(0) == 90
        assert (await engine.projections.checkpoint(Place("notes"))).offset == 90
        heads = [await engine.events.head(stream) for stream in streams]
        assert [number for number, head in enumerate(heads) if head == 0] == list(range(3, 100, 10))


async def test_reads_of_every_kind_see_the_transaction(tmp_path: Path) -> None:
    seen: list[object] = []

    async def look(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
        seen.append(await rows.search(Note, ["text"], ["some"], 10))
        seen.append(await rows.count(Note, All()))
        seen.append(await rows.aggregate(Note, (Group({"_id": "id"}, {"n": Accumulator("$sum", "count")}),)))
        return []

    async with opened(tmp_path, Note) as engine:
        assert isinstance(engine.events, InlineAppends)

        async def note(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
            return [Insert(Note(id="a", text="Some text", count=3))]

        both = [InlineProjection("notes", (Note,), note), InlineProjection("other", (Note,), look)]
        await engine.events.append_inline(append_of(ANN), both)
    assert seen == [[Note(id="a", text="Some text", count=3)], 1, [{"_id": "a", "n": 3}]]


async def for_a_while() -> None:
    await asyncio.sleep(0.01)


async def for_another_thread() -> None:
    await asyncio.to_thread(len, "")


async def for_the_loop() -> None:
    await asyncio.get_running_loop().create_future()


async def for_ever() -> None:
    while True:
        try:
            await asyncio.sleep(0)
        except GeneratorExit:
            await asyncio.sleep(0)


@pytest.mark.parametrize("wait", [for_a_while, for_another_thread, for_the_loop, for_ever])
async def test_whatever_it_waits_for_the_append_is_refused(tmp_path: Path, wait: Callable[[], Awaitable[None]]) -> None:
    async def handle(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
        await wait()
        return []

    async with opened(tmp_path, Note) as engine:
        with pytest.raises(InlineHandlerSuspended, match="'notes' waits for something outside"):
            await append(engine, handle)
        assert await engine.log.head(0) == 0
        await append(engine, count)
        assert await counted(engine) == 1


async def test_it_may_wait_for_what_is_there(tmp_path: Path) -> None:
    async def handle(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
        async with asyncio.Lock():
            return await count(events, rows)

    async with opened(tmp_path, Note) as engine:
        await append(engine, handle)
        assert await counted(engine) == 1


async def test_it_runs_in_the_context_of_its_caller(tmp_path: Path) -> None:
    seen: list[str] = []

    async def handle(events: Sequence[StoredEvent], rows: ReadModels) -> Sequence[Change]:
        seen.append(CALLER.get())
        CALLER.set("the handler")
        return []

    async with opened(tmp_path, Note) as engine:
        CALLER.set("ann")
        for _ in range(2):
            await append(engine, handle)
    assert seen == ["ann", "ann"]


async def test_appends_of_two_processes_are_all_handled(tmp_path: Path) -> None:
    async with opened(tmp_path, Note) as one, opened(tmp_path, Note) as other:
        for number in range(20):
            await append((one, other)[number % 2], count, StreamId("user", f"{number}"))
        assert await counted(one) == await counted(other) == 20

"""ChangeWatch: who is told, when the store is looked at, and what failing looks do."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import pytest

from headwater.errors import StoreBusy, StoreClosed
from headwater.models.changes import Insert
from headwater.models.model import Key, ReadModel
from headwater.ports.engine import Engine
from headwater.ports.wakeups import Wakeups
from headwater.read_models.change_watch import ChangeWatch
from headwater.read_models.reads import Reads


class Left(ReadModel, table="left_one"):
    id: Key[str]


class Right(ReadModel, table="right_one"):
    id: Key[str]


class Counting:
    """The engine's Wakeups, with looks counted; they fail with `error`, and wait for `gate`."""

    def __init__(self, wakeups: Wakeups) -> None:
        self._wakeups = wakeups
        self.looks = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    def seen(self) -> int:
        return self._wakeups.seen()

    async def wait(self, seen: int, timeout: float) -> int:
        return await self._wakeups.wait(seen, timeout)

    async def changes(self, models: Sequence[type[ReadModel]]) -> Sequence[int]:
        self.looks += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return await self._wakeups.changes(models)


class Told:
    """A watcher."""

    def __init__(self, watch: ChangeWatch, watching: bool = True) -> None:
        self.heard: list[set[type[ReadModel]]] = []
        self.news = asyncio.Event()
        self.let_go = 0
        self._watching = watching
        watch.join(self)

    def moved(self, models: Collection[type[ReadModel]]) -> None:
        self.heard.append(set(models))
        self.news.set()

    def watching(self) -> bool:
        return self._watching

    def closed(self) -> None:
        self.let_go += 1


@pytest.fixture
async def wakeups(engine: Engine) -> Counting:
    await engine.read_model_schema.ensure([Left, Right])
    return Counting(engine.wakeups)


async def test_a_version_holds_until_its_model_moves(engine: Engine, wakeups: Counting) -> None:
    watch = ChangeWatch(wakeups)
    told = Told(watch)
    versions: dict[type[ReadModel], int] = {model: await watch.version(model) for model in (Left, Right)}
    await engine.projections.write([Insert(Left(id="a"))])
    assert watch.behind
    assert watch.holds(versions)  # as far as is known
    await watch.catch_up()
    assert not watch.behind
    assert not watch.holds(versions)
    assert watch.holds({Right: versions[Right]})
    assert told.heard == [{Left}]


async def test_one_look_for_all_who_ask(engine: Engine, wakeups: Counting) -> None:
    watch = ChangeWatch(wakeups)
    await watch.version(Left)
    await engine.projections.write([Insert(Left(id="a"))])
    await asyncio.gather(*[watch.catch_up() for _ in range(10)])
    assert wakeups.looks == 2
    await watch.catch_up()
    assert wakeups.looks == 2


async def test_a_commit_during_a_look_asks_for_another(engine: Engine, wakeups: Counting) -> None:
    watch = ChangeWatch(wakeups)
    await watch.version(Left)
    await engine.projections.write([Insert(Left(id="a"))])
    wakeups.gate.clear()
    looking = asyncio.create_task(watch.catch_up())
    await asyncio.sleep(0)
    await engine.projections.write([Insert(Left(id="b"))])
    wakeups.gate.set()
    await looking
    assert watch.behind


async def test_it_listens_as_long_as_somebody_watches(engine: Engine, wakeups: Counting) -> None:
    watch = ChangeWatch(wakeups)
    told = Told(watch)
    await watch.version(Left)
    watch.listen()
    watch.listen()
    for key in "ab":
        told.news.clear()
        await engine.projections.write([Insert(Left(id=key))])
        await told.news.wait()
    assert told.heard == [{Left}] * 2
    listener = watch._listener
    assert listener is not None
    watch.leave(told)
    await asyncio.wait([listener])
    assert not watch.listening


async def test_who_keeps_nothing_is_not_listened_for(wakeups: Counting) -> None:
    watch = ChangeWatch(wakeups)
    told = Told(watch, watching=False)
    watch.listen()
    listener = watch._listener
    assert listener is not None
    await asyncio.wait([listener])
    assert told.heard == []


async def test_whom_nobody_refers_to_is_told_nothing(wakeups: Counting) -> None:
    watch = ChangeWatch(wakeups)
    heard = Told(watch).heard
    watch.changed([Left])
    assert heard == []


async def test_what_cannot_be_looked_at_is_kept_by_nobody(
    engine: Engine, wakeups: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    watch = ChangeWatch(wakeups)
    told = Told(watch)
    version = await watch.version(Left)
    watch.listen()
    wakeups.error = StoreBusy("full")
    await engine.projections.write([Insert(Right(id="a"))])
    await told.news.wait()
    assert told.heard == [{Left}]
    assert not watch.holds({Left: version})
    assert "changes of read models cannot be looked at" in caplog.text
    with pytest.raises(StoreBusy):
        await watch.version(Left)
    wakeups.error = None
    told.news.clear()
    await watch.version(Left)
    await engine.projections.write([Insert(Left(id="a"))])
    await told.news.wait()
    await watch.close()


async def test_the_store_is_closed_under_it(engine: Engine, wakeups: Counting) -> None:
    watch = ChangeWatch(wakeups)
    told = Told(watch)
    await watch.version(Left)
    watch.listen()
    listener = watch._listener
    assert listener is not None
    await engine.close()
    await asyncio.wait([listener])
    assert listener.exception() is None
    assert told.heard == [{Left}]
    with pytest.raises(StoreClosed):
        assert watch.behind


async def test_closed_it_has_everybody_let_go_and_can_begin_again(engine: Engine, wakeups: Counting) -> None:
    watch = ChangeWatch(wakeups)
    told, elsewhere = Told(watch), Told(watch.elsewhere())
    for _ in range(2):
        version = await watch.version(Left)
        watch.listen()
        await watch.close()
        assert not watch.listening
        assert not watch.holds({Left: version})
    assert (told.let_go, elsewhere.let_go) == (2, 2)
    await watch.version(Left)
    watch.listen()
    told.news.clear()
    await engine.projections.write([Insert(Left(id="a"))])
    await told.news.wait()
    await watch.close()


async def test_reads_keep_the_first_version_they_note(engine: Engine, wakeups: Counting) -> None:
    watch = ChangeWatch(wakeups)
    reads, inner = Reads(watch), Reads(watch)
    await reads.note(Left)
    await engine.projections.write([Insert(Left(id="a"))])
    await inner.note(Left)
    await inner.note(Right)
    assert inner.hold()
    await reads.note(Left)
    reads.include(inner.versions)
    assert not reads.hold()
    assert reads.versions.keys() == {Left, Right}

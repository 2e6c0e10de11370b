"""On a copy side effects begin where those of the source had come to, or are said to be owed."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from headwater import (
    Aggregate,
    Command,
    CQRSManager,
    Event,
    Key,
    ProjectionHandler,
    ReadModel,
    Recorded,
    Repository,
    Views,
    after_commit,
    handles,
    on,
)
from headwater.copying import Copied, StoreCopy
from headwater.opening import open_engine
from headwater.ports.engine import EngineOptions
from tests.stores import fresh_store


class Lent(Event):
    book: str


class Lend(Command[None]):
    book: str


class Book(Aggregate, category="book"):
    @on(Lent)
    def lent(self, e: Lent) -> None: ...


class LoanView(ReadModel, table="loans"):
    id: Key[str]


class Letters(ProjectionHandler, writes=[LoanView]):
    sent: ClassVar[list[str]] = []

    @on(Lent)
    async def lent(self, e: Recorded[Lent], views: Views) -> None:
        await views.insert(LoanView(id=e.data.book))

    @after_commit(Lent)
    async def write(self, e: Recorded[Lent]) -> None:
        self.sent.append(e.data.book)


class InRanges(Letters, name="letters", key=lambda e: e.data.book, key_ranges=2):
    """The same, its keys dealt."""


@handles(Lend)
async def lend(c: Lend, books: Repository[Book]) -> None:
    await books.save(Book.new(c.book, Lent(book=c.book)))


def library(url: str, letters: Letters, run: bool = True) -> CQRSManager:
    return CQRSManager(url, handlers=[lend], projections=[letters], run_projections=run)


async def fill(url: str, letters: Letters, run: bool = True) -> None:
    async with library(url, letters, run) as cqrs:
        for number in range(12):
            await cqrs.commands.execute(Lend(book=f"b{number}"), wait_for=[type(letters)] if run else ())


async def rows(cqrs: CQRSManager, number: int) -> None:
    """In all partitions: until there are so many."""
    wakeups = cqrs.engine.wakeups
    while True:
        seen = wakeups.seen()
        if await cqrs.read_models.count(LoanView) == number:
            return
        await wakeups.wait(seen, 1)


async def copied(here: str, there: str) -> Copied:
    source, target = open_engine(here, EngineOptions()), open_engine(there, EngineOptions())
    ids = (await source.open()).store_id, (await target.open()).store_id
    result = await StoreCopy(source, target, lambda *_: None).run(*ids)
    await source.close()
    await target.close()
    return result


@pytest.fixture(autouse=True)
def nothing_sent() -> None:
    Letters.sent.clear()


@pytest.mark.parametrize("letters", [Letters(), InRanges()])
@pytest.mark.parametrize("there", ["sqlite", "postgres"])
async def test_what_was_sent_is_not_sent_again(tmp_path: Path, there: str, letters: Letters) -> None:
    here = f"sqlite:///{tmp_path}/here.db"
    await fill(here, letters)
    assert len(Letters.sent) == 12
    async with fresh_store(there, tmp_path) as url:
        assert (await copied(here, url)).owed == {}
        async with library(url, letters) as cqrs:
            await cqrs.commands.execute(Lend(book="new"))
            await rows(cqrs, 13)
        assert Letters.sent[12:] == ["new"]


async def test_it_is_marked_anew_by_each_run(tmp_path: Path) -> None:
    here, there = f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/there.db"
    await fill(here, Letters())
    await copied(here, there)
    async with library(here, Letters()) as cqrs:
        await cqrs.commands.execute(Lend(book="late"), wait_for=[Letters])
    assert (await copied(here, there)).owed == {}
    async with library(there, Letters()) as cqrs:
        await cqrs.commands.execute(Lend(book="new"), wait_for=[Letters])
    assert Letters.sent[12:] == ["late", "new"]


async def test_what_is_owed_is_said_and_comes(tmp_path: Path) -> None:
    here, there = f"sqlite:///{tmp_path}/here.db", f"sqlite:///{tmp_path}/there.db"
    await fill(here, Letters())
    async with library(here, Letters(), run=False) as cqrs:
        await cqrs.commands.execute(Lend(book="owed"))
    result = await copied(here, there)
    assert (result.owed, result.differences) == ({"letters": 1}, [])
    async with library(there, Letters()) as cqrs:
        await cqrs.commands.execute(Lend(book="new"), wait_for=[Letters])
    assert Letters.sent[12:][-2:] == ["owed", "new"]

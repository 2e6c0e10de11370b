"""Shelves: books and loans as read models, queries of them, and a bus on a store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from headwater.domain.messages import Query
from headwater.handling.injection import Injector
from headwater.models.model import Indexed, Key, ReadModel, Searchable
from headwater.ports.engine import Engine
from headwater.queries.bus import QueryBus
from headwater.queries.handler import QueryHandler
from headwater.read_models.change_watch import ChangeWatch
from headwater.read_models.store import ReadModelStore
from headwater.read_models.views import Views

__all__ = [
    "WAYS",
    "Book",
    "CountBooks",
    "Countdown",
    "Echo",
    "GetBook",
    "Hours",
    "LentTitles",
    "Loan",
    "Moved",
    "Shelves",
    "running",
]


class Book(ReadModel, table="book"):
    id: Key[str]
    title: Searchable[str] = ""


class Loan(ReadModel, table="loan"):
    id: Key[str]
    book: Indexed[str] = ""


class GetBook(Query["Book | None"]):
    id: str


class CountBooks(Query[int]):
    """Asked in one of WAYS."""

    way: str


class LentTitles(Query[list[str]]):
    pass


class Hours(Query[str]):
    pass


class Echo(Query["Book | None"]):
    """Answered by asking another query."""

    id: str


async def _searched(views: Views) -> int:
    return len(await views.search(Book, "emma")) + len(await views.search(Book, "persuasion"))


async def _aggregated(views: Views) -> int:
    stages: list[Mapping[str, object]] = [{"$group": {"_id": None, "count": {"$sum": 1}}}]
    return sum(int(str(row["count"])) for row in await views.aggregate(Book, stages))


async def _got(views: Views) -> int:
    return sum([await views.get(Book, key) is not None for key in ("b1", "b2")])


async def _found_one(views: Views) -> int:
    return sum([await views.find_one(Book, id=key) is not None for key in ("b1", "b2")])


async def _existing(views: Views) -> int:
    return sum([await views.exists(Book, title=title) for title in ("Emma", "Persuasion")])


async def _found(views: Views) -> int:
    return len(await views.find(Book))


async def _paged(views: Views) -> int:
    return len((await views.page(Book)).items)


async def _counted(views: Views) -> int:
    return await views.count(Book)


WAYS: Mapping[str, Callable[[Views], Awaitable[int]]] = {
    "get": _got,
    "find_one": _found_one,
    "exists": _existing,
    "find": _found,
    "page": _paged,
    "search": _searched,
    "aggregate": _aggregated,
    "count": _counted,
}


class Countdown:
    """Passes whoever comes until `close`; then they wait for `open`."""

    def __init__(self) -> None:
        self._go = asyncio.Event()
        self._go.set()
        self._came = asyncio.Condition()
        self.held = 0

    def close(self) -> None:
        self._go.clear()

    def open(self) -> None:
        self._go.set()

    async def arrived(self, count: int = 1) -> None:
        """Wait until so many are held."""
        async with self._came:
            await self._came.wait_for(lambda: self.held >= count)

    async def passed(self) -> None:
        async with self._came:
            self.held += 1
            self._came.notify_all()
        await self._go.wait()
        self.held -= 1


class Answers(QueryHandler):
    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.gate = Countdown()
        """Behind the reads of `get_book`."""

    async def get_book(self, id: str, views: Views) -> Book | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        book = await views.get(Book, id)
        await self.gate.passed()
        return book

    async def count_books(self, way: str, views: Views, store: ReadModelStore) -> int:
        self.asked += 1
        return await store.count("book") if way == "by name" else await WAYS[way](views)

    async def lent_titles(self, views: Views) -> list[str]:
        self.asked += 1
        loans = await views.find(Loan)
        books = await asyncio.gather(*[asyncio.create_task(views.get(Book, loan.book)) for loan in loans])
        return [book.title for book in books if book is not None]

    async def hours(self) -> str:
        self.asked += 1
        return "9 to 5"

    async def echo(self, id: str, bus: QueryBus) -> Book | None:
        self.asked += 1
        return await bus.execute(GetBook(id=id))


class Shelves:
    """A store, open, with a bus on it, and who answers."""

    def __init__(self, store: ReadModelStore, watch: ChangeWatch, engine: Engine, **options: Any) -> None:
        self.engine = engine
        self.store = store
        self.watch = watch
        self.answers = Answers()
        injector = Injector()
        injector.provide(Views, store.typed())
        injector.provide(ReadModelStore, store)
        self.bus = QueryBus(injector=injector, watch=watch, **options)
        injector.provide(QueryBus, self.bus)
        self.bus.register(self.answers)

    async def put(self, *books: tuple[str, str]) -> None:
        for key, title in books:
            await self.store.insert(Book(id=key, title=title))

    async def title(self, key: str = "b1") -> str | None:
        book = await self.bus.execute(GetBook(id=key))
        return None if book is None else book.title


class Moved:
    """A watcher that says when it was told of a change."""

    def __init__(self, watch: ChangeWatch) -> None:
        self.told = asyncio.Event()
        self.models: set[type[ReadModel]] = set()
        watch.join(self)

    def moved(self, models: Collection[type[ReadModel]]) -> None:
        self.models.update(models)
        self.told.set()

    def watching(self) -> bool:
        return True

    def closed(self) -> None:
        pass


@asynccontextmanager
async def running(
    engine: Engine, *, row_caching: object = None, models: Sequence[type[ReadModel]] = (Book, Loan), **options: Any
) -> AsyncIterator[Shelves]:
    """Opens the engine, and closes it in the end; `options` are the bus's."""
    identity = await engine.open()
    store = ReadModelStore.over(engine, identity, models, caching=row_caching)  # type: ignore[arg-type]
    assert store.watch is not None
    try:
        async with store:
            yield Shelves(store, store.watch, engine, identity=identity, **options)
    finally:
        await engine.close()

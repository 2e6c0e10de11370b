"""Every way to write and to ask a query."""

from __future__ import annotations

from typing import Any, cast

import pytest

from headwater.commands.authorization import AuthorizationMiddleware, allow
from headwater.domain.messages import Query, QueryLike
from headwater.errors import BadSignature, DuplicateName, InvalidMessage, MissingHandler, MissingPolicy
from headwater.handling.injection import Injector
from headwater.handling.routing import handles
from headwater.ports.middleware import CallNext
from headwater.queries.bus import QueryBus
from headwater.queries.handler import QueryHandler
from tests.queries.library import Books, CountBooks, FindBook, FindByAttrs, FindByData, FindByModel, Shelf

QUERIES = (FindBook, CountBooks, FindByData, FindByAttrs, FindByModel)


def bus_with(*handlers: object, **options: Any) -> QueryBus:
    injector = Injector()
    injector.provide(Shelf, Shelf())
    return QueryBus(handlers, injector=injector, **options)


@handles(FindBook)
async def find_book(query: FindBook, shelf: Shelf) -> str | None:
    return shelf.look(query.id)


class Marked:
    @handles(FindBook)
    async def find(self, query: FindBook, shelf: Shelf) -> str | None:
        return shelf.look(query.id)


@pytest.mark.parametrize("handler", [find_book, Marked(), Books()])
async def test_a_handler_of_any_form(handler: object) -> None:
    bus = bus_with(handler)
    assert await bus.execute(FindBook(id="b1")) == "Emma"
    assert await bus.execute(FindBook(id="b2")) is None
    assert await bus.execute({"type": "FindBook", "params": {"id": "b1"}}) == "Emma"


async def test_fields_by_name_and_by_default() -> None:
    bus = bus_with(Books())
    assert await bus.execute(FindBook(id="b1", loud=True)) == "EMMA"
    assert await bus.execute(CountBooks()) == 1
    assert await bus.execute({"type": "CountBooks"}) == 1


@pytest.mark.parametrize(
    ("query", "answer"),
    [(FindByData("x"), "data x"), (FindByAttrs("x"), "attrs x"), (FindByModel(id="x"), "model x")],
)
@pytest.mark.parametrize("queries", [QUERIES, ()])
async def test_queries_of_other_libraries(query: QueryLike[str], answer: str, queries: tuple[type, ...]) -> None:
    assert await bus_with(Books(), queries=queries).execute(query) == answer


async def test_a_method_without_a_class_is_asked_by_mapping() -> None:
    bus = bus_with(Books())
    assert await bus.execute({"type": "ByTitle", "params": {"bookTitle": "Emma"}}) == ["Emma", "True"]
    assert await bus.execute({"type": "ByTitle", "params": {"book_title": "Emma", "exact": False}}) == ["Emma", "False"]


@pytest.mark.parametrize(
    ("mapping", "error"),
    [
        ({}, InvalidMessage),
        ({"type": 5}, InvalidMessage),
        ({"type": "FindBook", "id": "b1"}, InvalidMessage),
        ({"type": "FindBook", "params": ["b1"]}, InvalidMessage),
        ({"type": "FindBook", "params": {}}, InvalidMessage),
        ({"type": "FindBook", "params": {"id": 1}}, InvalidMessage),
        ({"type": "FindBook", "params": {"id": "b1", "shelf": "mine"}}, InvalidMessage),
        ({"type": "ByTitle", "params": {}}, InvalidMessage),
        ({"type": "ByTitle", "params": {"book_title": "a", "self": 1}}, InvalidMessage),
        ({"type": "Own"}, MissingHandler),
        ({"type": "Plain"}, MissingHandler),
        ({"type": "builtins.eval", "params": {}}, MissingHandler),
    ],
)
async def test_a_mapping_that_is_no_question(mapping: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        await bus_with(Books(), queries=QUERIES).execute(mapping)


async def test_handlers_by_name() -> None:
    bus = QueryBus(handlers={"ByTitle": Books()}, injector=bus_with()._injector)
    assert await bus.execute({"type": "ByTitle", "params": {"book_title": "Emma"}}) == ["Emma", "True"]
    with pytest.raises(MissingHandler, match="no handler answers 'FindBook'"):
        await bus.execute({"type": "FindBook"})
    with pytest.raises(MissingHandler, match="does not answer 'Nothing'"):
        QueryBus(handlers={"Nothing": Books()}, injector=bus_with()._injector)


class Asks(Query[int]):
    id: str


class NeedsMore(QueryHandler):
    async def asks(self, id: str, other: str) -> int:
        return 0


class TakesLess(QueryHandler):
    async def asks(self) -> int:
        return 0


class IsPlain(QueryHandler):
    async def other(self) -> int:
        return 0

    def asks(self, id: str) -> int:
        return 0


class Returns(QueryHandler):
    async def asks(self, id: str) -> str:
        return id


class Empty(QueryHandler):
    pass


@pytest.mark.parametrize(
    ("handler", "error", "complaint"),
    [
        (NeedsMore(), BadSignature, r"asks\(\) needs \['other'\], which Asks does not have"),
        (TakesLess(), BadSignature, r"asks\(\) does not take \['id'\] of Asks"),
        (Returns(), BadSignature, "Returns.asks returns str, but Asks declares int"),
        (IsPlain(), BadSignature, "IsPlain.asks must be `async def`"),
        (Empty(), MissingHandler, "answers no query"),
        (object(), MissingHandler, "answers no query"),
        (Books, MissingHandler, "answers no query"),
    ],
)
def test_what_is_wrong_is_found_at_registration(handler: object, error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        bus_with(handler)


def test_two_handlers_of_one_query() -> None:
    with pytest.raises(DuplicateName, match="FindBook has two handlers"):
        bus_with(Books(), find_book)


async def test_no_handler() -> None:
    with pytest.raises(MissingHandler, match="FindBook has no handler"):
        await bus_with().execute(FindBook(id="b1"))


async def test_the_class_of_a_query_is_no_question() -> None:
    with pytest.raises(InvalidMessage, match=r"the class FindBook: write FindBook\(\.\.\.\)"):
        await bus_with(Books()).execute(cast("FindBook", FindBook))


async def test_middleware_is_around_every_answer() -> None:
    seen: list[str] = []

    async def note(message: object, call_next: CallNext) -> object:
        seen.append(type(message).__name__)
        return await call_next(message)

    bus = bus_with(Books(), middleware=[note])
    await bus.execute(FindBook(id="b1"))
    await bus.execute({"type": "ByTitle", "params": {"book_title": "a"}})
    assert len(seen) == 2
    assert seen[0] == "FindBook"


async def test_authorization_is_prepared_by_the_first_question() -> None:
    await bus_with(find_book, middleware=[AuthorizationMiddleware({FindBook: allow})]).execute(FindBook(id="b1"))
    with pytest.raises(MissingPolicy):
        await bus_with(find_book, middleware=[AuthorizationMiddleware({})]).execute(FindBook(id="b1"))


async def test_alone_it_cannot_wait() -> None:
    with pytest.raises(MissingHandler, match="runs alone and cannot wait"):
        await bus_with(find_book).execute(FindBook(id="b1"), at_least="token")

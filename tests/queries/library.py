"""A small library: the queries that the tests ask."""

from __future__ import annotations

from dataclasses import dataclass

import attrs
import pydantic

from headwater.domain.messages import Query, QueryLike
from headwater.queries.handler import QueryHandler

__all__ = ["Books", "CountBooks", "FindBook", "FindByAttrs", "FindByData", "FindByModel", "Shelf"]


class FindBook(Query["str | None"]):
    id: str
    loud: bool = False


class CountBooks(Query[int]):
    pass


@dataclass(frozen=True)
class FindByData(QueryLike[str]):
    id: str


@attrs.frozen
class FindByAttrs(QueryLike[str]):
    id: str


class FindByModel(pydantic.BaseModel, QueryLike[str]):
    id: str


class Shelf:
    """What is injected."""

    def __init__(self) -> None:
        self.books = {"b1": "Emma"}
        self.asked = 0

    def look(self, id: str) -> str | None:
        self.asked += 1
        return self.books.get(id)


class Books(QueryHandler):
    async def find_book(self, id: str, shelf: Shelf, loud: bool = False) -> str | None:
        found = shelf.look(id)
        return found.upper() if found and loud else found

    async def count_books(self, shelf: Shelf) -> int:
        return len(shelf.books)

    async def find_by_data(self, id: str) -> str:
        return f"data {id}"

    async def find_by_attrs(self, id: str) -> str:
        return f"attrs {id}"

    async def find_by_model(self, id: str) -> str:
        return f"model {id}"

    async def by_title(self, book_title: str, exact: bool = True) -> list[str]:
        return [book_title, str(exact)]

    def plain(self) -> int:
        return 0

    async def _own(self) -> int:
        return 0

"""QueryHandler: methods named after queries."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from headwater.domain.codec import field_names
from headwater.domain.messages import is_query
from headwater.errors import BadSignature, DuplicateName, MissingHandler
from headwater.handling.injection import Injector, parameters
from headwater.handling.returns import check_returns
from headwater.handling.routing import handled_by

__all__ = ["Answer", "QueryHandler", "QueryRoute", "query_routes"]

T = TypeVar("T")
Answer = Callable[..., Awaitable[object]]


class QueryHandler:
    """Derive and write `async def get_user_by_id(self, id: str, views: Views)` for the query `GetUserById`.

    Parameters named like the query's fields take them; the others are injected by annotation. The query class is
    looked for where the handler's class is declared and among `queries=`, so that its fields are checked at start-up,
    or else checked when it is first asked; methods marked `@handles(Query)` take the query itself. Methods whose name
    starts with an underscore are your own.
    """


class QueryRoute:
    """How one query is answered; raises BadSignature where the query declares another answer."""

    __slots__ = ("answer", "message", "name", "parameters", "required")

    def __init__(
        self,
        name: str,
        message: type | None,
        answer: Answer,
        parameters: frozenset[str] | None,
        required: frozenset[str] = frozenset(),
    ) -> None:
        if message is not None:
            check_returns(message, answer)
        self.name = name
        """The query's name in PascalCase, as a mapping's `type` gives it."""
        self.message = message
        self.answer = answer
        self.required = required
        self.parameters = parameters
        """Fields the method takes by name; None if it takes the query itself."""

    def of(self, message: type) -> QueryRoute:
        """This route for a query class of its name; BadSignature if their fields do not fit."""
        _check_fields(self.name, message, set(self.parameters or ()), set(self.required))
        return QueryRoute(self.name, message, self.answer, self.parameters, self.required)


def query_routes(handler: object, queries: Iterable[type], injector: Injector) -> list[QueryRoute]:
    """The routes of a handler, checked; raises BadSignature or MissingHandler."""
    routes = [
        QueryRoute(message.__name__, message, injector.bind(function, skip=1), None)
        for message, function in handled_by(handler)
        if is_query(message)
    ]
    if isinstance(handler, QueryHandler):
        marked = {getattr(route.answer, "__name__", "") for route in routes}
        known = _queries_near(type(handler), queries)
        for name, method in _methods(handler):
            if name not in marked and not hasattr(method, "__headwater_handles__"):
                routes.append(_named_route(name, method, known.get(name), injector))
        _refuse_plain(type(handler), known)
    if not routes:
        raise MissingHandler(f"{handler!r} answers no query: add async methods, or mark them @handles(Query)")
    return routes


def snake(name: str) -> str:
    """GetUserById -> get_user_by_id."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _named_route(name: str, method: Answer, message: type | None, injector: Injector) -> QueryRoute:
    found = parameters(method)
    taken = {p for p, (_, annotation) in found.items() if not injector.can_inject(annotation)}
    required = frozenset(p for p in taken if found[p][0].default is inspect.Parameter.empty)
    if message is not None:
        _check_fields(name, message, taken, set(required))
    pascal = message.__name__ if message is not None else "".join(map(str.capitalize, name.split("_")))
    return QueryRoute(pascal, message, injector.bind_named(method, taken), frozenset(taken), required)


def _check_fields(name: str, message: type, taken: set[str], required: set[str]) -> None:
    fields = set(field_names(message))
    if missing := required - fields:
        raise BadSignature(f"{name}() needs {sorted(missing)}, which {message.__name__} does not have")
    if unused := fields - taken:
        raise BadSignature(f"{name}() does not take {sorted(unused)} of {message.__name__}")


def fields_of(message: object) -> Mapping[str, object]:
    """The fields of a query instance, by name."""
    return {name: getattr(message, name) for name in field_names(type(message))}


def _methods(handler: object) -> list[tuple[str, Answer]]:
    found = inspect.getmembers(type(handler), inspect.iscoroutinefunction)
    return [(name, getattr(handler, name)) for name, _ in found if not name.startswith("_")]


def _refuse_plain(cls: type, known: Mapping[str, type]) -> None:
    for name, _ in inspect.getmembers(cls, inspect.isfunction):
        if name in known and not inspect.iscoroutinefunction(getattr(cls, name)):
            raise BadSignature(f"{cls.__name__}.{name} must be `async def`")


def _queries_near(cls: type, given: Iterable[type]) -> dict[str, type]:
    """Query classes by the method name that answers them."""
    module = sys.modules.get(cls.__module__)
    near: list[type] = [value for value in vars(module).values() if is_query(value)] if module else []
    found: dict[str, type] = {}
    for query in [*given, *near]:
        if found.setdefault(snake(query.__name__), query) is not query and query in given:
            raise DuplicateName(f"two queries are called {query.__name__}: rename one")
    return found

"""QueryBus: finds who answers a query, through middleware and cache."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol, TypeVar, cast, overload

import msgspec

from headwater.domain.codec import check_nesting
from headwater.domain.identifier import shown
from headwater.domain.messages import QueryLike, is_command, is_query
from headwater.domain.registry import Registry
from headwater.domain.token import Token
from headwater.errors import BadDeclaration, DuplicateName, InvalidMessage, MissingHandler
from headwater.handling.chain import checked_middleware, compose
from headwater.handling.injection import Injector
from headwater.ports.clock import Clock
from headwater.ports.middleware import CallNext, Middleware, Prepares, Startup
from headwater.queries.cache import Caching, QueryCache
from headwater.queries.handler import QueryRoute, fields_of, query_routes, snake

__all__ = ["QueryBus"]

R = TypeVar("R")


class TokenWaiter(Protocol):
    """Waits until projections have seen what a token names."""

    async def wait_at_least(self, token: Token | str, projections: Sequence[object], timeout: float) -> None: ...


class _Named(msgspec.Struct, frozen=True):
    """A query written as a mapping: `{"type": "GetUserById", "params": {"id": "u1"}}`."""

    type: str
    params: dict[str, object]


class _Chains(msgspec.Struct, frozen=True):
    """Two ways to the handler of a query, both through every middleware."""

    kept: CallNext
    """By way of the cache, if there is one."""
    fresh: CallNext


class QueryBus:
    """Executes queries.

    Handlers are `QueryHandler`s, and functions or objects marked with `@handles`; a mapping names the query each is
    for, as in the seed. Middleware sees every query, whether the cache answers it or the handler.

    Raises DuplicateName, BadSignature or MissingHandler while handlers are registered.
    """

    def __init__(
        self,
        handlers: Mapping[str, object] | Iterable[object] = (),
        middleware: Sequence[Middleware] = (),
        *,
        caching: Caching | Mapping[str, object] | None = None,
        queries: Iterable[type] = (),
        registry: Registry | None = None,
        injector: Injector | None = None,
        clock: Clock | None = None,
        waiter: TokenWaiter | None = None,
    ) -> None:
        self.registry = registry or Registry()
        self._queries = tuple(queries)
        self._middleware = checked_middleware(middleware)
        self._injector = injector or Injector()
        self._waiter = waiter
        self._caching = _caching(caching)
        self.cache: QueryCache[object] | None = QueryCache(self._caching, clock) if self._caching is not None else None
        self._prepared = False
        self._chains: dict[type, _Chains] = {}
        self._by_name: dict[str, QueryRoute] = {}
        self._named = self._chains_to(self._answer_named)
        if isinstance(handlers, Mapping):
            for name, handler in cast("Mapping[str, object]", handlers).items():
                self._register(handler, only=name)
        else:
            self.register(*handlers)

    def register(self, *handlers: object) -> None:
        """Add handlers; each query has exactly one."""
        for handler in handlers:
            self._register(handler)

    def prepare(self) -> None:
        """Let the middleware check what it needs; called by the first execute, or at start-up by the manager."""
        for link in self._middleware:
            if isinstance(link, Prepares):
                link.prepare(Startup(tuple(self._chains), self.registry, None))
        self._prepared = True

    @property
    def handled(self) -> tuple[type, ...]:
        """Every query class with a handler."""
        return tuple(self._chains)

    @overload
    async def execute(
        self,
        query: QueryLike[R],
        *,
        at_least: Token | str | None = None,
        wait_for: Sequence[object] = (),
        wait_timeout: float = 5.0,
    ) -> R: ...

    @overload
    async def execute(
        self,
        query: Mapping[str, object],
        *,
        at_least: Token | str | None = None,
        wait_for: Sequence[object] = (),
        wait_timeout: float = 5.0,
    ) -> object: ...

    async def execute(
        self,
        query: QueryLike[R] | Mapping[str, object],
        *,
        at_least: Token | str | None = None,
        wait_for: Sequence[object] = (),
        wait_timeout: float = 5.0,
    ) -> R | object:
        """Answer a query.

        `at_least` is a receipt's token, or its text: the answer comes after `wait_for` (default: every projection) has
        seen what it names, and not from the cache; ConsistencyTimeout after `wait_timeout` seconds.
        """
        if not self._prepared:
            self.prepare()
        message, chains = self._find(query)
        if at_least is not None:
            if self._waiter is None:
                raise MissingHandler("this bus runs alone and cannot wait for projections: use CQRSManager's")
            await self._waiter.wait_at_least(at_least, wait_for, wait_timeout)
            return await chains.fresh(message)
        return await chains.kept(message)

    # -- finding and answering -------------------------------------------------

    def _find(self, query: object) -> tuple[object, _Chains]:
        chains = self._chains.get(type(query))
        if chains is not None:
            return query, chains
        if isinstance(query, Mapping):
            return self._read(cast("Mapping[str, object]", query))
        message = type(query)
        route = self._by_name.get(message.__name__)
        if route is not None and route.message is None and is_query(message):
            self._adopt(route.of(message))
            return query, self._chains[message]
        if is_command(message):
            raise MissingHandler(f"{message.__name__} is a command: use commands.execute")
        raise MissingHandler(
            f"{message.__name__} has no handler: register one before executing it{self._near(message.__name__)}"
        )

    def _near(self, name: str) -> str:
        found = get_close_matches(name, self._by_name, cutoff=0.7)
        return f"; did you mean {', '.join(found)}?" if found else ""

    def _read(self, fields: Mapping[str, object]) -> tuple[object, _Chains]:
        name, params = fields.get("type"), fields.get("params", {})
        if not isinstance(name, str) or not isinstance(params, Mapping) or fields.keys() - {"type", "params"}:
            raise InvalidMessage("a query written as a mapping has a type and params: {'type': ..., 'params': {...}}")
        route = self._by_name.get(name)
        if route is None:
            raise MissingHandler(
                f"no handler answers {shown(name)}: known are {sorted(self._by_name)}{self._near(name)}"
            )
        given = cast("Mapping[str, object]", params)
        if route.message is not None:
            return self.registry.read(cast("type[object]", route.message), given), self._chains[route.message]
        named = _Named(name, {snake(str(key)): value for key, value in given.items()})
        try:
            inspect.signature(route.answer).bind(**named.params)
        except TypeError as error:
            raise InvalidMessage(f"{name} cannot be asked so: {error}") from None
        return named, self._named

    async def _answer_named(self, message: object) -> object:
        named = cast("_Named", message)
        return await self._by_name[named.type].answer(**named.params)

    def _register(self, handler: object, only: str | None = None) -> None:
        routes = query_routes(handler, self._queries, self._injector)
        chosen = [route for route in routes if only is None or route.name == only]
        if not chosen:
            raise MissingHandler(f"{handler!r} does not answer {only!r}, but {[route.name for route in routes]}")
        for route in chosen:
            self._add(route)

    def _add(self, route: QueryRoute) -> None:
        if route.name in self._by_name:
            raise DuplicateName(f"{route.name} has two handlers: keep one")
        self._adopt(route)

    def _adopt(self, route: QueryRoute) -> None:
        self._by_name[route.name] = route
        self._prepared = False
        if route.message is not None:
            self.registry.register(route.message)
            self._chains[route.message] = self._chains_to(_answer(route))

    def _chains_to(self, answer: CallNext) -> _Chains:
        cache, fresh = self.cache, compose(self._middleware, answer)
        if cache is None:
            return _Chains(fresh, fresh)

        async def kept(message: object) -> object:
            return await cache.get(self._key(message), lambda: answer(message))

        return _Chains(compose(self._middleware, kept), fresh)

    def _key(self, message: object) -> str:
        named = message if isinstance(message, _Named) else _Named(type(message).__name__, dict(fields_of(message)))
        generator = self._caching.key_generator if self._caching is not None else None
        if generator is not None:
            return generator(named)
        try:
            check_nesting(named.params, self.registry.limits.depth, named.type)
            return f"{named.type}:{msgspec.json.encode(named.params, order='deterministic').decode()}"
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidMessage(f"{named.type} has no cache key: {error}; give caching a key_generator") from error


def _answer(route: QueryRoute) -> Callable[[object], Awaitable[object]]:
    if route.parameters is None:
        return route.answer
    answer = route.answer
    return lambda message: answer(**fields_of(message))


def _caching(given: object) -> Caching | None:
    if given is None:
        return None
    if not isinstance(given, Caching | Mapping):
        raise BadDeclaration(f"caching= takes Caching(ttl=60) or a mapping of its fields, got {given!r}")
    try:
        caching = (
            given
            if isinstance(given, Caching)
            else msgspec.convert(_snake_keys(cast("Mapping[str, object]", given)), Caching)
        )
    except msgspec.ValidationError as error:
        raise BadDeclaration(f"caching={given!r} does not fit: {error}") from None
    return caching if caching.enabled else None


def _snake_keys(given: Mapping[str, object]) -> dict[str, object]:
    names = {"keyGenerator": "key_generator"}
    known = {names.get(key, key): value for key, value in given.items()}
    if unknown := known.keys() - set(Caching.__struct_fields__):
        raise InvalidMessage(f"caching has no option {sorted(unknown)}")
    return known

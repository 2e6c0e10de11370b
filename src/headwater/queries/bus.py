"""QueryBus: finds who answers a query, through middleware and cache."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol, TypeVar, cast, overload

import msgspec

from headwater.domain.identifier import shown
from headwater.domain.messages import QueryLike, is_command, is_query
from headwater.domain.registry import Registry
from headwater.domain.token import Token
from headwater.errors import DuplicateName, InvalidMessage, MissingHandler
from headwater.handling.chain import checked_middleware, compose
from headwater.handling.injection import Injector
from headwater.ports.clock import Clock
from headwater.ports.engine import Identity
from headwater.ports.middleware import CallNext, Middleware, Prepares, Startup
from headwater.queries.cache import Caching, QueryCache, query_caching
from headwater.queries.handler import QueryRoute, fields_of, query_routes, snake
from headwater.queries.named import Named, named
from headwater.queries.subscription import QuerySubscription
from headwater.queries.subscriptions import Subscriptions
from headwater.read_models.change_watch import ChangeWatch

__all__ = ["QueryBus"]

R = TypeVar("R")


class TokenWaiter(Protocol):
    """Waits until projections have seen what a token names."""

    async def wait_at_least(self, token: Token | str, projections: Sequence[object], timeout: float) -> None: ...


class _Chains(msgspec.Struct, frozen=True):
    """Two ways to the handler of a query, both through every middleware."""

    kept: CallNext
    """By way of the cache, if there is one."""
    fresh: CallNext
    live: CallNext
    """By way of a cache that drops what has changed, if it is one."""


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
        watch: ChangeWatch | None = None,
        identity: Identity | None = None,
    ) -> None:
        """`watch` tells of changes of the read models that handlers read; `identity` signs subscriptions' cursors."""
        self.registry = registry or Registry()
        self._queries = tuple(queries)
        self._middleware = checked_middleware(middleware)
        self._injector = injector or Injector()
        self._waiter = waiter
        self._subscriptions = Subscriptions(watch, identity, self.registry.limits)
        self._caching = query_caching(caching)
        self.cache: QueryCache[object] | None = (
            None if self._caching is None else QueryCache(self._caching, clock, watch)
        )
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
            await self._wait(at_least, wait_for, wait_timeout)
            return await chains.fresh(message)
        return await chains.kept(message)

    @overload
    def subscribe(
        self,
        query: QueryLike[R],
        *,
        at_least: Token | str | None = None,
        wait_for: Sequence[object] = (),
        wait_timeout: float = 5.0,
        after: str | None = None,
        min_interval: float = 0.05,
    ) -> QuerySubscription[R]: ...

    @overload
    def subscribe(
        self,
        query: Mapping[str, object],
        *,
        at_least: Token | str | None = None,
        wait_for: Sequence[object] = (),
        wait_timeout: float = 5.0,
        after: str | None = None,
        min_interval: float = 0.05,
    ) -> QuerySubscription[object]: ...

    def subscribe(
        self,
        query: QueryLike[R] | Mapping[str, object],
        *,
        at_least: Token | str | None = None,
        wait_for: Sequence[object] = (),
        wait_timeout: float = 5.0,
        after: str | None = None,
        min_interval: float = 0.05,
    ) -> QuerySubscription[R] | QuerySubscription[object]:
        """The query's answer, and each that it becomes: `async for update in bus.subscribe(query)`.

        The first comes at once, or not at all if it is the one whose `cursor` is given as `after`. The query is asked
        again when what it read has changed, through every middleware, at most once in `min_interval` seconds.
        `at_least` and its time limit are for the first answer. Raises InvalidCursor, and StoreBusy where
        `Limits.subscriptions` are running.
        """
        if not self._prepared:
            self.prepare()
        message, chains = self._find(query)
        tokens = [] if at_least is None else [at_least]

        async def ask() -> object:
            if not tokens:
                return await chains.live(message)
            await self._wait(tokens[0], wait_for, wait_timeout)
            tokens.clear()
            return await chains.fresh(message)

        question = named(message).key(self.registry.limits.depth)
        return self._subscriptions.open(ask, question, after=after, min_interval=min_interval)

    async def _wait(self, token: Token | str, projections: Sequence[object], timeout: float) -> None:
        if self._waiter is None:
            raise MissingHandler("this bus runs alone and cannot wait for projections: use CQRSManager's")
        await self._waiter.wait_at_least(token, projections, timeout)

    # -- finding and answering -------------------------------------------------

    def _find(self, query: object) -> tuple[object, _Chains]:
        chains = self._chains.get(type(query))
        if chains is not None:
            return query, chains
        if isinstance(query, Mapping):
            return self._read(cast("Mapping[str, object]", query))
        message = type(query)
        if is_query(query):
            raise InvalidMessage(f"got the class {query.__name__}: write {query.__name__}(...)")
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
            raise MissingHandler(f"no handler answers {shown(name)}, known: {sorted(self._by_name)}{self._near(name)}")
        given = cast("Mapping[str, object]", params)
        if route.message is not None:
            return self.registry.read(cast("type[object]", route.message), given), self._chains[route.message]
        asked = Named(name, {snake(str(key)): value for key, value in given.items()})
        try:
            inspect.signature(route.answer).bind(**asked.params)
        except TypeError as error:
            raise InvalidMessage(f"{name} cannot be asked so: {error}") from None
        return asked, self._named

    async def _answer_named(self, message: object) -> object:
        asked = cast("Named", message)
        return await self._by_name[asked.type].answer(**asked.params)

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
            return _Chains(fresh, fresh, fresh)

        async def kept(message: object) -> object:
            return await cache.get(self._key(message), lambda: answer(message))

        through = compose(self._middleware, kept)
        return _Chains(through, fresh, through if cache.invalidates else fresh)

    def _key(self, message: object) -> str:
        asked = named(message)
        generator = self._caching.key_generator if self._caching is not None else None
        return asked.key(self.registry.limits.depth) if generator is None else generator(asked)


def _answer(route: QueryRoute) -> Callable[[object], Awaitable[object]]:
    if route.parameters is None:
        return route.answer
    answer = route.answer
    return lambda message: answer(**fields_of(message))

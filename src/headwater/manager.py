"""CQRSManager: the composition root. Nothing but wiring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar, cast

from headwater.commands.replay import result_type
from headwater.commands.repository import Repository
from headwater.consistency.checks.check import CheckLike, ConsistencyCheck
from headwater.consistency.declared import Consistency
from headwater.consistency.manager import ConsistencyManager
from headwater.consistency.waiting import TokenWaiter
from headwater.domain.aggregate import Aggregate
from headwater.domain.decider import Decider
from headwater.domain.messages import CommandLike, QueryLike
from headwater.domain.registry import Registry
from headwater.domain.token import Token
from headwater.domain.upcaster import Upcaster
from headwater.errors import ConfigurationError, MissingHandler
from headwater.handling.routing import handled_by
from headwater.limits import Limits
from headwater.messaging.bus import EventBus
from headwater.messaging.relay import relay_of
from headwater.models.model import ReadModel
from headwater.opening import open_engines
from headwater.ports.clock import Clock, SystemClock
from headwater.ports.engine import Engine, EngineOptions, Identity
from headwater.ports.middleware import Middleware
from headwater.projections.folds import Folds, without_live
from headwater.projections.handler import ProjectionHandler, declaration_of
from headwater.projections.log_reader import LogReader
from headwater.projections.parts import ProjectionParts, RunnerOptions
from headwater.projections.synchronizer import ReadModelSynchronizer
from headwater.queries.cache import Caching
from headwater.queries.handler import QueryHandler
from headwater.read_models.caching import CachingLike
from headwater.read_models.change_watch import ChangeWatch
from headwater.read_models.store import Indexing, ReadModelStore
from headwater.read_models.stored_only import StoredOnly
from headwater.settings import Settings
from headwater.wiring import Wiring, checked_projections, declared_models, owned_models

__all__ = ["CQRSManager"]

A = TypeVar("A", bound=Aggregate)


class CQRSManager(LogReader):
    """One application on one store: buses, repositories and projections, made from declarations.

    Arguments:
        engine: a URL (`sqlite:///shop.db`, `memory://`), or an engine.
        read_url: where read models and checkpoints are kept if not beside the log: a URL of any engine, or an engine.
        handlers: command and query handlers in any of their forms, Deciders included.
        projections: ProjectionHandlers; they run while the manager is open, unless `run_projections=False`.
        read_models: classes that exist beside those the projections write, or names of those that must exist.
        commands, queries, events: message classes that must have a handler, or that no handler names.
        middleware, query_middleware: the first of each is the outermost.
        conflict_tries: how often a command is decided in all while others write what it has read; 1: never again.
        caching, row_caching, indexing, denormalization: see QueryBus and ReadModelStore.
        consistency: checks of your own, or a Consistency that says how they and the built-in ones are run.
        event_bus: "memory", or an EventBus; it is fed by the log as soon as it has subscribers.
        command_store, event_store: names of the tables; a store keeps those it was made with.
        store_id: the store expected at the URL; another one is StoreMismatch.

    Use it with `async with`, or `initialize()` and `close()`; handlers may be registered until then. Everything wrong
    with the declarations raises a ConfigurationError here or in `initialize()`, never later.
    """

    def __init__(
        self,
        engine: str | Engine,
        *,
        read_url: str | Engine | None = None,
        handlers: Iterable[object] = (),
        projections: Iterable[ProjectionHandler] = (),
        read_models: Iterable[type[ReadModel] | str] = (),
        commands: Iterable[type] = (),
        queries: Iterable[type] = (),
        events: Iterable[type] = (),
        upcasters: Iterable[Upcaster] = (),
        middleware: Sequence[Middleware] = (),
        query_middleware: Sequence[Middleware] = (),
        conflict_tries: int = 3,
        caching: Caching | Mapping[str, object] | None = None,
        row_caching: CachingLike = None,
        indexing: Indexing | None = None,
        denormalization: bool | Indexing = False,
        consistency: Consistency | Sequence[CheckLike] = (),
        event_bus: str | EventBus = "memory",
        command_store: str = "commands",
        event_store: str = "events",
        store_id: str | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
        runner: RunnerOptions | None = None,
        run_projections: bool = True,
    ) -> None:
        limits, clock, projections = limits or Limits(), clock or SystemClock(), checked_projections(projections)
        options = EngineOptions(
            event_store=event_store, command_store=command_store, store_id=store_id, limits=limits, clock=clock
        )
        self.engine = open_engines(engine, read_url, options)
        super().__init__(self.engine.log, self.engine.wakeups, Registry(limits, upcasters))
        self.registry.register(*events)
        self._identity = Identity()
        self._expected = [*commands, *queries]
        self._run_projections = run_projections
        self._open = False
        self._declared = consistency if isinstance(consistency, Consistency) else Consistency(checks=consistency)
        self._consistency: ConsistencyManager | None = None
        self._owned = owned_models(projections)
        folds = Folds(self.registry, projections)
        stored, unfit = without_live(projections), set[type[ReadModel]]()
        self.read_models = ReadModelStore(
            StoredOnly(self.engine.read_models, folds.live, unfit),
            self.engine.projections,
            self.engine.read_model_schema,
            declared_models(stored, read_models),
            identity=self._identity,
            owned=self._owned,
            limits=limits,
            indexing=indexing,
            denormalization=denormalization,
            caching=row_caching,
            clock=clock,
            watch=ChangeWatch(self.engine.wakeups),
        )
        """Every read model, by class or by name."""
        self._wiring = wiring = Wiring(self.engine, self.registry, self.read_models, clock, folds, unfit)
        self.fetch_latest = wiring.latest.fetch_latest
        self.fetch_for_writing = wiring.latest.fetch_for_writing
        """The row of a stream after all its events, whatever its fold's lifecycle; see `Latest`."""
        self.event_bus = wiring.event_bus(event_bus)
        self.synchronizer = ReadModelSynchronizer(wiring.parts, projection_handlers=stored, options=runner)
        """Runs the projections; rebuilds read models; keeps the dead letters."""
        waiter = TokenWaiter(wiring.parts, self.synchronizer.projections, self._identity, folds)
        self.commands = wiring.command_bus(middleware, waiter, conflict_tries)
        self.queries = wiring.query_bus(query_middleware, waiter, queries, caching, self._identity)
        wiring.injector.provide(ReadModelSynchronizer, self.synchronizer)
        self.register(*handlers)

    @classmethod
    def from_settings(
        cls,
        settings: Settings | None = None,
        *,
        handlers: Iterable[object] = (),
        projections: Iterable[ProjectionHandler] = (),
        read_models: Iterable[type[ReadModel] | str] = (),
        middleware: Sequence[Middleware] = (),
        query_middleware: Sequence[Middleware] = (),
        run_projections: bool = True,
    ) -> Self:
        """A manager for the store that settings name; by default those of the environment (`HEADWATER_URL`, …).

        Further options are the constructor's: `CQRSManager(**settings.arguments(), limits=...)`.
        """
        found = settings or Settings.from_environment()
        return cls(
            **found.arguments(),
            handlers=handlers,
            projections=projections,
            read_models=read_models,
            middleware=middleware,
            query_middleware=query_middleware,
            run_projections=run_projections,
        )

    # -- wiring ----------------------------------------------------------------

    def register(self, *handlers: object) -> None:
        """Add command and query handlers, in any of their forms, or projections; before `initialize`."""
        for handler in handlers:
            if isinstance(handler, ProjectionHandler):
                self._add_projection(handler)
            elif isinstance(handler, Decider):
                self._add_decider(cast("Decider[object, object, object]", handler))
            else:
                self._add_handler(handler)

    def _add_handler(self, handler: object) -> None:
        kinds = [message for message, _ in handled_by(handler)]
        answers = isinstance(handler, QueryHandler) or any(issubclass(kind, QueryLike) for kind in kinds)
        if answers:
            self.queries.register(handler)
        if not answers or any(issubclass(kind, CommandLike) for kind in kinds):
            self.commands.register(handler)

    def _add_decider(self, decider: Decider[object, object, object]) -> None:
        for message, function in self._wiring.decider_routes(decider):
            self.commands.route(message, function)

    def _add_projection(self, handler: ProjectionHandler) -> None:
        writes = declaration_of(type(handler)).writes
        self._wiring.folds.add(handler)
        self._owned.update(writes)
        for stored in without_live([handler]):
            self.synchronizer.add(stored)
            self.read_models.declare(*writes)

    def repository(self, aggregate: type[A]) -> Repository[A]:
        """The repository of an aggregate class."""
        return self._wiring.repository(aggregate)

    def projection_parts(self) -> ProjectionParts:
        """What a ReadModelSynchronizer of your own runs on."""
        return self._wiring.parts

    # -- opening and closing ---------------------------------------------------

    async def initialize(self, *, run_projections: bool | None = None, rebuilding: bool = False) -> None:
        """Check every declaration, open the store, make its tables, start the projections; idempotent.

        `run_projections` overrides what the constructor was told. With `rebuilding` no projection runs, and a table
        that one fills may differ from its class, for `synchronizer.rebuild_read_model` to make it anew; elsewhere
        that is StoreMismatch. Raises ConfigurationError, StoreError.
        """
        if self._open:
            return
        self._check_handlers()
        self._wiring.check_needs()
        self._wiring.join_inline(self.synchronizer.projections.values(), self.read_models.cache)
        self._consistency = self._declared.manager_of(self)
        self._identity.learn(await self.engine.open())
        self._open = True
        try:
            await self.engine.follow(self._identity.store_id)
            self.commands.identify(self._identity.store_id)
            self._wiring.folds.check(self.engine.log.partitions)
            await self.read_models.initialize(await self.synchronizer.find_unfit(rebuilding))
            if not rebuilding and (self._run_projections if run_projections is None else run_projections):
                await self.synchronizer.start()
                if self._declared.scheduled:
                    await self._consistency.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Drain the projections, flush what is written behind, close the store; idempotent."""
        if not self._open:
            return
        self._open = False
        try:
            try:
                await self.consistency.stop()
                await self.synchronizer.stop()
            finally:
                await self.read_models.close()
        finally:
            await self.engine.close()

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _check_handlers(self) -> None:
        handled = {*self.commands.handled, *self.queries.handled}
        for message in self._expected:
            if message not in handled:
                raise MissingHandler(f"{message.__name__} has no handler: register one before initialize()")
        for command in self.commands.handled:
            result_type(command)
        self.commands.prepare()
        self.queries.prepare()
        relay = relay_of(self.event_bus)
        if self.event_bus.subscribers and declaration_of(type(relay)).name not in self.synchronizer.projections:
            self._add_projection(relay)

    # -- consistency -----------------------------------------------------------

    @property
    def consistency(self) -> ConsistencyManager:
        """Runs the declared checks and the built-in ones; there since `initialize`, else a ConfigurationError."""
        if self._consistency is None:
            raise ConfigurationError("the checks are known once the application is: call initialize() first")
        return self._consistency

    def consistency_checks(self, sample: int = 10_000) -> list[ConsistencyCheck]:
        """The declared checks and the built-in ones, for a ConsistencyManager of your own."""
        return self._declared.checks_of(self, sample)

    # -- tokens ----------------------------------------------------------------

    @property
    def store_id(self) -> str:
        """Which store this is; empty before it is open."""
        return self._identity.store_id

    def sign(self, token: Token) -> str:
        """A token as text for an HTTP header; `queries.execute(at_least=...)` takes it back."""
        return token.to_text(self._identity.secret)

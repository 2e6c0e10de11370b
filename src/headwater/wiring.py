"""Wiring: what every part of an application stands on, made once and handed round."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar, cast

from headwater.commands.boundaries import Boundaries
from headwater.commands.bus import CommandBus
from headwater.commands.committing import Committer
from headwater.commands.deciding import decider_routes
from headwater.commands.latest import Latest
from headwater.commands.replay import Replay
from headwater.commands.repository import Repository
from headwater.consistency.waiting import TokenWaiter
from headwater.domain.aggregate import Aggregate
from headwater.domain.decider import Decider
from headwater.domain.registry import Registry
from headwater.errors import BadDeclaration, UnknownEngine, UnknownName
from headwater.handling.injection import Injector
from headwater.messaging.bus import EventBus
from headwater.models.model import ReadModel, schema_of
from headwater.ports.boundaries import BoundaryAppends
from headwater.ports.clock import Clock
from headwater.ports.engine import Engine, Identity
from headwater.ports.event_store import EventStore
from headwater.ports.log import Log
from headwater.ports.middleware import Middleware
from headwater.ports.projection_store import ByEvent
from headwater.ports.unique_keys import UniqueKeys
from headwater.projections.colocation import Colocation, Source, source_of
from headwater.projections.folds import Folds
from headwater.projections.handler import ProjectionHandler, declaration_of
from headwater.projections.inline import inline_appender
from headwater.projections.parts import ProjectionParts
from headwater.projections.projection import Projection
from headwater.queries.bus import QueryBus
from headwater.queries.cache import Caching
from headwater.read_models.forgetting import ForgettingGenerations, ForgettingStore
from headwater.read_models.named_views import NamedViews
from headwater.read_models.row_cache import RowCache
from headwater.read_models.store import ReadModelStore
from headwater.read_models.views import Views

__all__ = ["Wiring", "checked_projections", "declared_models", "owned_models"]

A = TypeVar("A", bound=Aggregate)


class Wiring:
    """Repositories, the committer, and everything that handlers can have injected, on one engine."""

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        read_models: ReadModelStore,
        clock: Clock,
        folds: Folds,
        unfit: set[type[ReadModel]],
    ) -> None:
        self.engine = engine
        self.registry = registry
        self.folds = folds
        self.watch = read_models.watch
        self.committer = Committer(engine.events, registry)
        self.injector = Injector()
        self._repositories: dict[type, object] = {}
        self._provide(read_models)
        cache = read_models.cache
        self.parts = ProjectionParts(
            log=engine.log,
            store=engine.projections if cache is None else ForgettingStore(engine.projections, cache),
            by_event=isinstance(engine.projections, ByEvent),
            generations=engine.generations if cache is None else ForgettingGenerations(engine.generations, cache),
            conditions=engine.conditions,
            parking=engine.parking,
            journal=engine.journal,
            leases=engine.leases,
            wakeups=engine.wakeups,
            schema=engine.read_model_schema,
            registry=registry,
            injector=self.injector,
            clock=clock,
            unfit=unfit,
        )
        self.latest = Latest(folds, self.parts, engine.events, self.committer)
        self.injector.provide(Latest, self.latest)
        self.injector.provide(Boundaries, Boundaries(engine.events, registry, self.committer))

    def check_needs(self) -> None:
        """Raise BadDeclaration for a handler that wants what the engine lacks."""
        asking = self.injector.asked_for(Boundaries)
        if asking and not isinstance(self.engine.events, BoundaryAppends):
            raise BadDeclaration(
                f"{asking[0]} decides over boundaries, which {self.engine.name} does not hold: decide within one "
                "stream with a Repository, claim a unique key, or take an engine that does (memory, SQLite, PostgreSQL)"
            )

    def _provide(self, read_models: ReadModelStore) -> None:
        """What handlers, and checks, may ask for by annotation."""
        engine, injector = self.engine, self.injector
        injector.provide(Views, read_models.typed())
        for cls in (NamedViews, ReadModelStore):
            injector.provide(cls, read_models)
        injector.provide_generic(Repository, self.repository)
        injector.provide(Colocation, Colocation(engine.log))
        injector.provide(EventStore, engine.events)  # type: ignore[type-abstract]  # a port is asked for by its name
        injector.provide(Log, engine.log)  # type: ignore[type-abstract]
        injector.provide(UniqueKeys, engine.unique_keys)  # type: ignore[type-abstract]

    def command_bus(self, middleware: Sequence[Middleware], waiter: TokenWaiter, conflict_tries: int) -> CommandBus:
        """The bus that commits through our committer."""
        bus = CommandBus(
            middleware=middleware,
            registry=self.registry,
            injector=self.injector,
            committer=self.committer,
            command_log=self.engine.commands,
            replay=Replay(self.engine.events, self.registry),
            waiter=waiter,
            conflict_tries=conflict_tries,
        )
        self.injector.provide(CommandBus, bus)
        return bus

    def query_bus(
        self,
        middleware: Sequence[Middleware],
        waiter: TokenWaiter,
        queries: Iterable[type],
        caching: Caching | Mapping[str, object] | None,
        identity: Identity,
    ) -> QueryBus:
        """The bus whose answers last until what they read changes."""
        bus = QueryBus(
            middleware=middleware,
            caching=caching,
            queries=queries,
            registry=self.registry,
            injector=self.injector,
            waiter=waiter,
            clock=self.parts.clock,
            watch=self.watch,
            identity=identity,
        )
        self.injector.provide(QueryBus, bus)
        return bus

    def decider_routes(
        self, decider: Decider[object, object, object]
    ) -> Iterable[tuple[type, Callable[[object], Awaitable[int]]]]:
        """Each command of a decider with what handles it; what it writes is known to folds from then on."""
        self.folds.written_by(
            Source(
                name=f"a decider of {decider.category!r}", category=decider.category, events=frozenset(decider.events)
            )
        )
        return decider_routes(decider, self.engine.events, self.registry, self.committer)

    def join_inline(self, projections: Iterable[Projection], cache: RowCache | None) -> None:
        """Have every append carry the projections that run inline; BadDeclaration where the engine cannot."""
        self.committer.inline = inline_appender(self.engine, projections, self.registry, cache)

    def repository(self, aggregate: type[A]) -> Repository[A]:
        """The repository of an aggregate class, whose events are registered with it."""
        if aggregate not in self._repositories:
            self.registry.register(*aggregate.event_types())
            self.folds.written_by(source_of(aggregate))
            engine = self.engine
            self._repositories[aggregate] = Repository(
                aggregate, engine.events, engine.unique_keys, self.registry, self.committer, engine.snapshots
            )
        return cast("Repository[A]", self._repositories[aggregate])

    def event_bus(self, given: str | EventBus) -> EventBus:
        """The bus that was given, or a new one in this process; raises UnknownEngine for one that is not installed."""
        if isinstance(given, EventBus):
            bus = given
            bus.join(self.registry, self.injector)
        elif given == "memory":
            bus = EventBus(registry=self.registry, injector=self.injector)
        else:
            raise UnknownEngine(f"event_bus={given!r} is not installed: use 'memory', or an EventBus")
        self.injector.provide(EventBus, bus)
        return bus


def checked_projections(given: object) -> list[ProjectionHandler]:
    """The handlers of projections, in a list; BadDeclaration for one that is not in a list, or is none."""
    if not isinstance(given, Iterable):
        raise BadDeclaration(f"projections= takes a list of handlers, as in projections=[Users()], got {given!r}")
    found = list(cast("Iterable[ProjectionHandler]", given))
    for one in found:
        declaration_of(type(one))
    return found


def owned_models(projections: Iterable[ProjectionHandler]) -> set[type[ReadModel]]:
    """The read models that projections write."""
    return {model for handler in projections for model in declaration_of(type(handler)).writes}


def declared_models(
    projections: Iterable[ProjectionHandler], declared: Iterable[type[ReadModel] | str]
) -> list[type[ReadModel]]:
    """Every read model once; UnknownName for a name that no class has."""
    models = {model: None for handler in projections for model in declaration_of(type(handler)).writes}
    names: list[str] = []
    for one in declared:
        if isinstance(one, str):
            names.append(one)
        else:
            models[_read_model(one)] = None
    known = {name for model in models for name in (model.__name__, str(schema_of(model).table))}
    for name in names:
        if name not in known:
            raise UnknownName(f"read_models= names {name!r}, which no class declares: known are {sorted(known)}")
    return list(models)


def _read_model(given: object) -> type[ReadModel]:
    if not isinstance(given, type) or not issubclass(given, ReadModel):
        raise BadDeclaration(f"read_models= takes ReadModel classes or names, got {given!r}")
    return given

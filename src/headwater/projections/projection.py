"""Projection: a handler, bound. Which method gets which event is settled here, once, with everything injected."""

from __future__ import annotations

import inspect
import types
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, Union, cast, get_args, get_origin

from headwater.domain.event import Recorded
from headwater.domain.on import on_methods
from headwater.errors import BadSignature, DuplicateName, UnknownName
from headwater.handling.fingerprint import class_fingerprint
from headwater.handling.injection import Injector, parameters
from headwater.models.model import ReadModel, schema_of
from headwater.projections.after_commit import after_commit_methods
from headwater.projections.batch import BatchProjectionHandler, check_parallelism
from headwater.projections.folding import Folding, folding_of
from headwater.projections.handler import KeyOf, ProjectionHandler, declaration_of
from headwater.projections.lifecycle import lifecycle_of

__all__ = ["Handle", "Projection", "bind", "bind_all", "find"]

Handle: TypeAlias = Callable[[Recorded[object]], Awaitable[object]]
Prepare: TypeAlias = Callable[[Sequence[Recorded[object]]], Awaitable[object]]
HandleBatch: TypeAlias = Callable[[Sequence[Recorded[object]]], Awaitable[object]]


class Projection:
    """What a runner needs of a handler."""

    __slots__ = (
        "batching",
        "declared",
        "dispatch",
        "effects",
        "events",
        "fallback",
        "fingerprint",
        "handle_batch",
        "handler",
        "hidden",
        "inline",
        "key_of",
        "name",
        "prepare",
        "pure",
        "tables",
        "wants",
        "writes",
    )

    def __init__(self, handler: ProjectionHandler, injector: Injector) -> None:
        declared = declaration_of(type(handler))
        self.handler = handler
        self.declared = declared
        self.fingerprint = class_fingerprint(type(handler), repr([schema_of(m).names for m in declared.writes]))
        """Of the code, and of what its read models hold."""
        self.inline = lifecycle_of(handler) == "inline"
        """True if appends bring it on, too."""
        self.name = declared.name
        self.writes: tuple[type[ReadModel], ...] = declared.writes
        self.tables = tuple(schema_of(model).table for model in declared.writes)
        self.key_of = _key_of(declared.key)
        self.hidden = declared.hidden
        self.wants = declared.wants
        self.batching = handler if isinstance(handler, BatchProjectionHandler) else None
        if self.batching is not None:
            check_parallelism(self.batching)
        folding = folding_of(handler)
        self.pure = folding is not None
        """True if an event that failed would only fail again."""
        self.prepare: Prepare | None = None if folding is None else injector.bind(folding.prepare, 1)
        """What is to be told of the events of a page before they are handled."""
        self.dispatch: dict[type, Handle] = (
            _marked(handler, injector) if folding is None else _folded(folding, injector)
        )
        self.handle_batch: HandleBatch | None = _bound(handler, "handle_batch", injector)
        self.fallback: Handle | None = _bound(handler, "handle", injector) or self._one_of_a_batch()
        self.events: tuple[type, ...] = tuple(self.dispatch) or _annotated(handler)
        """The event classes it handles; none: every event."""
        if self.events and self.fallback is not None:
            self.dispatch = dict.fromkeys(self.events, self.fallback)
            self.fallback = None
        self.effects: dict[type, Handle] = _effects(handler, injector)
        """Side effects, by event class; each of a class it handles."""
        if unhandled := [event.__name__ for event in self.effects if self.events and event not in self.events]:
            raise BadSignature(f"{self.name!r} has @after_commit({unhandled[0]}), but does not handle it: add a method")

    def handler_of(self, data: object) -> Handle | None:
        """What handles an event with this data; None: it is passed by."""
        return self.dispatch.get(type(data), self.fallback)

    def _one_of_a_batch(self) -> Handle | None:
        handle_batch = self.handle_batch
        return None if handle_batch is None else lambda event: handle_batch([event])


def bind(handler: ProjectionHandler, injector: Injector) -> Projection:
    """The handler's methods by event class. Raises BadSignature for a parameter that cannot be injected."""
    return Projection(handler, injector)


def bind_all(handlers: Iterable[ProjectionHandler], injector: Injector) -> dict[str, Projection]:
    """Projections by name; DuplicateName for two of one name, or two that write one read model."""
    bound: dict[str, Projection] = {}
    owners: dict[type[ReadModel], str] = {}
    for handler in handlers:
        projection = bind(handler, injector)
        if projection.name in bound:
            raise DuplicateName(f"two projections are called {projection.name!r}: give one a name=")
        for model in projection.writes:
            if (owner := owners.setdefault(model, projection.name)) != projection.name:
                raise DuplicateName(
                    f"{owner!r} and {projection.name!r} both write {model.__name__}: "
                    "a read model has one projection, or neither could be rebuilt"
                )
        bound[projection.name] = projection
    return bound


def find(projections: Mapping[str, Projection], target: object) -> Projection:
    """A projection by name, handler class, handler, or by a read model it writes or its table.

    Raises UnknownName.
    """
    if isinstance(target, str) and target in projections:
        return projections[target]
    for projection in projections.values():
        if target in (projection.handler, type(projection.handler), *projection.writes, *projection.tables):
            return projection
    known = ", ".join(sorted(projections)) or "none"
    raise UnknownName(f"no projection {getattr(target, '__name__', target)!r}: known are {known}")


def _marked(handler: ProjectionHandler, injector: Injector) -> dict[type, Handle]:
    dispatch: dict[type, Handle] = {}
    for event, method in on_methods(type(handler)).items():
        bound = cast("Handle", types.MethodType(method, handler))
        _check_event_parameter(bound)
        dispatch[event] = injector.bind(bound, 1)
    return dispatch


def _folded(folding: Folding[ReadModel], injector: Injector) -> dict[type, Handle]:
    return dict.fromkeys(folding.fold.folded().steps, injector.bind(folding.handle, 1))


def _effects(handler: ProjectionHandler, injector: Injector) -> dict[type, Handle]:
    effects: dict[type, Handle] = {}
    for event, method in after_commit_methods(type(handler)).items():
        bound = cast("Handle", types.MethodType(method, handler))
        _check_event_parameter(bound)
        effects[event] = injector.bind(bound, 1)
    return effects


def _bound(handler: ProjectionHandler, name: str, injector: Injector) -> Callable[..., Awaitable[object]] | None:
    method: Callable[..., Awaitable[object]] | None = getattr(handler, name, None)
    return None if method is None else injector.bind(method, 1)


def _key_of(key: KeyOf | None) -> Callable[[Recorded[object]], str] | None:
    if isinstance(key, str):
        field = key
        return lambda event: str(getattr(event.data, field))
    return key


def _annotated(handler: ProjectionHandler) -> tuple[type, ...]:
    """The event classes a whole-event method names: `Recorded[A | B]`; none if it takes every event."""
    whole = getattr(handler, "handle", None)
    if whole is not None:
        return _classes(_check_event_parameter(whole))
    annotation = _first_parameter(getattr(handler, "handle_batch"))  # noqa: B009  # a class without one has @on methods
    return _classes(get_args(annotation)[0]) if get_args(annotation) else ()


def _check_event_parameter(method: Callable[..., object]) -> object:
    annotation = _first_parameter(method)
    if any(isinstance(member, type) and not _takes_anything(member) for member in _members(annotation)):
        raise BadSignature(
            f"{getattr(method, '__qualname__', method)} gets a recorded event: annotate it Recorded[...], "
            "and find the event in its .data"
        )
    return annotation


def _first_parameter(method: Callable[..., object]) -> object:
    return next(iter(parameters(method).values()))[1]


def _classes(annotation: object) -> tuple[type, ...]:
    named = [member for one in _members(annotation) for arg in get_args(one) for member in _members(arg)]
    if not all(isinstance(member, type) and not _takes_anything(member) for member in named):
        return ()
    return tuple(cast("list[type]", named))


def _members(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _takes_anything(annotation: type) -> bool:
    return annotation in (object, Any, Recorded, inspect.Parameter.empty)

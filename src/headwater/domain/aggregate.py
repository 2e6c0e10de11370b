"""Aggregate: a class-shaped fold that decides and emits."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from headwater.domain.append import UniqueKey
from headwater.domain.identifier import Identifier, check_id
from headwater.domain.on import on_methods
from headwater.domain.stream import StreamId
from headwater.errors import BadDeclaration, UnknownName

__all__ = ["Aggregate", "unique_keys"]

Pairs = Iterable[tuple[str, str]]
_OWN = frozenset({"id", "version"})


class Aggregate:
    """Derive with `category=`, the explicit name of its streams: renaming the class must not rename them.

    State is declared as class attributes with immutable defaults and changed only by `@on(Event)` methods.
    A subclass may name `partition_by="attribute"`, the attribute whose value co-locates what is joined, and
    `snapshot_every=n`, after how many events its state is stored as a cache.

    Raises BadDeclaration at class creation for a missing category or a mutable default.
    """

    category: ClassVar[str] = ""
    partition_by: ClassVar[str | None] = None
    snapshot_every: ClassVar[int | None] = None
    _appliers: ClassVar[dict[type, Callable[[Any, Any], object]]] = {}

    id: str
    version: int
    """The version of the last event applied, new ones included; 0 before the first."""

    def __init_subclass__(
        cls, *, category: str | None = None, partition_by: str | None = None, snapshot_every: int | None = None
    ) -> None:
        super().__init_subclass__()
        if category is not None:
            cls.category = Identifier(category)
        if not cls.category:
            raise BadDeclaration(f"{cls.__name__} needs a category: class {cls.__name__}(Aggregate, category=...)")
        if snapshot_every is not None and (type(snapshot_every) is not int or snapshot_every < 1):
            raise BadDeclaration(f"{cls.__name__}: snapshot_every= counts events from 1, got {snapshot_every!r}")
        cls.partition_by = partition_by or cls.partition_by
        cls.snapshot_every = snapshot_every or cls.snapshot_every
        _check_state(cls)
        cls._appliers = on_methods(cls)
        _check_appliers(cls, cls._appliers)

    def __init__(self, id: str) -> None:
        self.id = check_id(id, "aggregate id")
        self.version = 0
        self._uncommitted: list[object] = []
        self._claims: list[UniqueKey] = []
        self._releases: list[UniqueKey] = []

    @classmethod
    def new(cls, id: str, *events: object, unique: Pairs = ()) -> Self:
        """A new aggregate that has emitted these events; saving it expects that its stream does not exist."""
        aggregate = cls(id)
        for event in events:
            aggregate.emit(event)
        aggregate._claims.extend(unique_keys(unique))
        return aggregate

    def emit(self, event: object, *, unique: Pairs = (), release: Pairs = ()) -> None:
        """Apply a new event and keep it for the next save; claim and give up unique keys with it."""
        claims, releases = unique_keys(unique), unique_keys(release)
        self.evolve((event,))
        self._uncommitted.append(event)
        self._claims += claims
        self._releases += releases

    def evolve(self, events: Iterable[object]) -> None:
        """Apply events in order; raises UnknownName for one without an @on method."""
        appliers = self._appliers
        for event in events:
            applier = appliers.get(type(event))
            if applier is None:
                raise _no_applier(type(self), type(event))
            applier(self, event)
            self.version += 1

    def get_uncommitted_events(self) -> Sequence[object]:
        """Events emitted since the last save, in order."""
        return tuple(self._uncommitted)

    def mark_events_as_committed(self) -> None:
        """Forget the uncommitted events, as saving does."""
        self._uncommitted.clear()
        self._claims.clear()
        self._releases.clear()

    @property
    def committed_version(self) -> int:
        """The version without the uncommitted events: what a save expects."""
        return self.version - len(self._uncommitted)

    @property
    def claims(self) -> tuple[UniqueKey, ...]:
        """Unique keys to be claimed by the next save."""
        return tuple(self._claims)

    @property
    def releases(self) -> tuple[UniqueKey, ...]:
        """Unique keys to be given up by the next save."""
        return tuple(self._releases)

    @property
    def stream(self) -> StreamId:
        return StreamId(self.category, self.id)

    @property
    def partition_key(self) -> str | None:
        """The value of `partition_by`, as text; None where it is not declared."""
        if self.partition_by is None:
            return None
        value: object = getattr(self, self.partition_by)
        return check_id("" if value is None else str(value), f"{type(self).__name__}.{self.partition_by}")

    @classmethod
    def event_types(cls) -> tuple[type, ...]:
        """The event classes this aggregate applies."""
        return tuple(cls._appliers)

    @classmethod
    def appliers(cls) -> dict[type, Callable[[Any, Any], object]]:
        """The `@on` methods by event class."""
        return cls._appliers

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} at version {self.version}>"


def unique_keys(pairs: Pairs) -> list[UniqueKey]:
    """Checked unique keys from (scope, value) pairs; the scope is a short name, the value any id."""
    return [UniqueKey(check_id(scope, "unique scope", 64), check_id(value, "unique value")) for scope, value in pairs]


def _check_state(cls: type[Aggregate]) -> None:
    for owner, name, value in _attributes(cls):
        if type(value).__hash__ is None and "ClassVar" not in str(
            inspect.get_annotations(owner).get(name)
        ):  # as dataclasses do
            raise BadDeclaration(
                f"{cls.__name__}.{name} has a mutable default shared by all instances: "
                "use a tuple or frozenset, or set it in an @on method"
            )
        if name in _OWN:
            raise BadDeclaration(f"{cls.__name__}.{name} is the aggregate's own: choose another name")
    named = cls.partition_by
    if (
        named is not None
        and not hasattr(cls, named)
        and not any(named in inspect.get_annotations(owner) for owner in cls.__mro__)
    ):
        raise BadDeclaration(f"{cls.__name__} has no attribute {named!r} to partition by: declare it")


def _attributes(cls: type) -> Iterator[tuple[type, str, object]]:
    """What the class and its mixins define, with who does."""
    for owner in cls.__mro__:
        if owner not in (Aggregate, object):
            for name, value in vars(owner).items():
                if name != "_appliers" and not name.startswith("__"):
                    yield owner, name, value


def _check_appliers(cls: type, appliers: Mapping[type, Callable[..., object]]) -> None:
    for applier in appliers.values():
        if inspect.iscoroutinefunction(applier):
            raise BadDeclaration(f"{cls.__name__}.{applier.__name__} must be plain `def`: a fold cannot wait")


def _no_applier(cls: type, event: type) -> UnknownName:
    return UnknownName(
        f"{cls.__name__} has no @on({event.__name__}) method: add one, with `pass` if it changes no state"
    )

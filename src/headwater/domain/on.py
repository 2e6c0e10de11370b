"""`@on(Type)`: says which events a method is for, in an aggregate, a projection and a fold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

from msgspec import Struct

from headwater.domain.event import Recorded
from headwater.errors import BadDeclaration, DuplicateName

__all__ = ["on", "on_methods"]

E = TypeVar("E")
S = TypeVar("S")
R = TypeVar("R", bound=Struct)
P = ParamSpec("P")
_MARK = "__headwater_on__"


class _On(Protocol[E]):
    @overload
    def __call__(self, method: Callable[[S, E], None]) -> Callable[[S, E], None]: ...

    @overload
    def __call__(
        self, method: Callable[Concatenate[S, Recorded[E], P], Awaitable[None]]
    ) -> Callable[Concatenate[S, Recorded[E], P], Awaitable[None]]: ...

    @overload
    def __call__(
        self, method: Callable[[S, R | None, Recorded[E]], R | None]
    ) -> Callable[[S, R | None, Recorded[E]], R | None]: ...


def on(event: type[E]) -> _On[E]:
    """Mark the method for an event type.

    `def name(self, e)` in an aggregate, `async def` in a projection, `def name(self, row, e)` in a Fold.
    """
    if not _is_class(event):
        raise BadDeclaration(f"@on takes one event class, got {event!r}")

    def mark(method: Callable[..., object]) -> Callable[..., object]:
        if (other := getattr(method, _MARK, None)) is not None:
            raise DuplicateName(
                f"{method.__qualname__} is @on({other.__name__}) and @on({event.__name__}): write a method for each"
            )
        setattr(method, _MARK, event)
        return method

    return cast("_On[E]", mark)


def _is_class(value: object) -> bool:
    """Callers without a type checker hand in anything."""
    return isinstance(value, type)


def on_methods(cls: type) -> dict[type, Callable[..., object]]:
    """The marked methods of a class, bases included, by event type; two for one type in a class is DuplicateName.

    A method that overrides a marked one is for the same event, unless it is marked itself.
    """
    names: dict[type, str] = {}
    for owner in reversed(cls.__mro__):
        own: dict[type, str] = {}
        for name, event in _marked(owner):
            if event in own:
                raise DuplicateName(f"{cls.__name__}: {own[event]} and {name} are both @on({event.__name__})")
            own[event] = name
        names.update(own)
    found = {event: getattr(cls, name) for event, name in names.items()}
    return {event: method for event, method in found.items() if getattr(method, _MARK, event) is event}


def _marked(owner: type) -> Iterator[tuple[str, type]]:
    for name, method in vars(owner).items():
        event = getattr(method, _MARK, None)
        if event is not None and callable(method):
            yield name, event

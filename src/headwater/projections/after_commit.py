"""`@after_commit(Event)`: side effects of a projection, once its rows are safe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar, cast

from headwater.domain.event import Recorded
from headwater.errors import BadDeclaration, DuplicateName

__all__ = ["after_commit", "after_commit_methods"]

E = TypeVar("E")
S = TypeVar("S")
P = ParamSpec("P")
_MARK = "__headwater_after_commit__"


class _AfterCommit(Protocol[E]):
    def __call__(
        self, method: Callable[Concatenate[S, Recorded[E], P], Awaitable[None]]
    ) -> Callable[Concatenate[S, Recorded[E], P], Awaitable[None]]: ...


def after_commit(event: type[E]) -> _AfterCommit[E]:
    """Mark a projection's method for what it does to the world: mail, a call, a message.

    `async def name(self, e: Recorded[Event], ...)` runs once after the commit of the event's rows. Those of one page
    run again where a process dies between the two: use `e.metadata.event_id` as the receiver's idempotency key. It
    never runs for an event that is parked, nor while a generation is rebuilt: a new one goes on where the old one's
    effects had come to.
    """
    if not isinstance(event, type):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a checker
        raise BadDeclaration(f"@after_commit takes one event class, got {event!r}")

    def mark(method: Callable[..., object]) -> Callable[..., object]:
        setattr(method, _MARK, event)
        return method

    return cast("_AfterCommit[E]", mark)


def after_commit_methods(cls: type) -> dict[type, Callable[..., object]]:
    """The marked methods of a class by event type; DuplicateName for two of one type."""
    found: dict[type, Callable[..., object]] = {}
    for name in dir(cls):
        method = getattr(cls, name)
        event = getattr(method, _MARK, None)
        if event is None:
            continue
        if event in found:
            raise DuplicateName(f"{cls.__name__}: two methods are @after_commit({event.__name__}): write one")
        found[event] = method
    return found

"""Subscriber: whoever wants the events of a topic, however it is written."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import cast

from headwater.domain.event import Recorded
from headwater.domain.registry import Registry
from headwater.errors import BadSignature
from headwater.handling.injection import Injector
from headwater.models.model import ReadModel
from headwater.projections.handler import ProjectionHandler
from headwater.projections.projection import bind

__all__ = ["Deliver", "Subscriber", "subscriber"]

Deliver = Callable[[Recorded[object]], Awaitable[object]]


class Subscriber:
    """Where events are delivered, and which read models that writes."""

    __slots__ = ("deliver", "writes")

    def __init__(self, deliver: Deliver, writes: tuple[type[ReadModel], ...] = ()) -> None:
        self.deliver = deliver
        self.writes = writes


def subscriber(handler: object, registry: Registry, injector: Injector) -> Subscriber:
    """A function, an object with `async def handle(self, event)`, or a ProjectionHandler, ready to be called.

    Raises BadSignature for anything else, and for parameters that cannot be injected.
    """
    if isinstance(handler, ProjectionHandler):
        return _of_projection(handler, registry, injector)
    function = getattr(handler, "handle", handler)
    if not inspect.iscoroutinefunction(function):
        raise BadSignature(f"{handler!r} cannot subscribe: give an async function, or an object with async handle()")
    return Subscriber(injector.bind(cast("Deliver", function), skip=1))


def _of_projection(handler: ProjectionHandler, registry: Registry, injector: Injector) -> Subscriber:
    projection = bind(handler, injector)
    registry.register(*projection.events)

    async def deliver(event: Recorded[object]) -> None:
        handle = projection.handler_of(event.data)
        if handle is not None:
            await handle(event)

    return Subscriber(deliver, projection.writes)

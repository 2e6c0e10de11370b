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

__all__ = ["Deliver", "Subscriber", "check_subscriber", "subscriber"]

Deliver = Callable[[Recorded[object]], Awaitable[object]]


class Subscriber:
    """Where events are delivered, and which read models that writes."""

    __slots__ = ("deliver", "writes")

    def __init__(self, deliver: Deliver, writes: tuple[type[ReadModel], ...] = ()) -> None:
        self.deliver = deliver
        self.writes = writes


def check_subscriber(handler: object) -> None:
    """Raises BadSignature for what is no async function, object with `async def handle`, or ProjectionHandler."""
    if isinstance(handler, ProjectionHandler):
        return
    if isinstance(handler, type) or not inspect.iscoroutinefunction(getattr(handler, "handle", handler)):
        raise BadSignature(f"{handler!r} cannot subscribe: give an async function, or an object with async handle()")


def subscriber(handler: object, registry: Registry, injector: Injector) -> Subscriber:
    """What subscribed, ready to be called; raises BadSignature for parameters that cannot be injected."""
    if isinstance(handler, ProjectionHandler):
        return _of_projection(handler, registry, injector)
    return Subscriber(injector.bind(cast("Deliver", getattr(handler, "handle", handler)), skip=1))


def _of_projection(handler: ProjectionHandler, registry: Registry, injector: Injector) -> Subscriber:
    projection = bind(handler, injector)
    registry.register(*projection.events)

    async def deliver(event: Recorded[object]) -> None:
        handle = projection.handler_of(event.data)
        if handle is not None:
            await handle(event)

    return Subscriber(deliver, projection.writes)

"""Relay: feeds an event bus from the log, as a projection whose effect is delivery."""

from __future__ import annotations

from headwater.domain.event import Recorded, StoredEvent
from headwater.messaging.bus import EventBus
from headwater.models.model import ReadModel
from headwater.projections.handler import ProjectionHandler

__all__ = ["relay_of", "topic_of"]


def relay_of(bus: EventBus) -> ProjectionHandler:
    """The projection `relay_<group>`, hyphens as underscores, that hands every event of the log to the bus.

    What subscribed projections write is committed with its checkpoint; a subscriber that raises is retried, then
    its event is parked like any other. An event that nobody subscribed to is passed by, known here or not.
    """
    models: dict[type[ReadModel], None] = {}
    for one in bus.subscribers:
        models.update(dict.fromkeys(one.writes))

    def wants(event: StoredEvent) -> bool:
        return bus.has_subscribers(topic_of(event))

    name = f"relay_{bus.group.replace('-', '_')}"

    class Relay(ProjectionHandler, name=name, writes=list(models), hidden=True, wants=wants):
        async def handle(self, event: Recorded[object]) -> None:
            await bus.deliver(topic_of(event.stored), event)

    return Relay()


def topic_of(event: StoredEvent) -> str:
    """An integration event's own topic; `<category>.events` for a domain event."""
    return event.topic or f"{event.stream.partition('-')[0]}.events"

"""Published: an event handed to a bus without having been in a log."""

from __future__ import annotations

import time
from uuid import UUID

from headwater.domain.event import Recorded, StoredEvent
from headwater.domain.registry import Registry
from headwater.handling.ids import uuid7

__all__ = ["published"]

_NOWHERE = -1


def published(topic: str, event: object, registry: Registry) -> Recorded[object]:
    """The event as subscribers see events; its position is (-1, -1), for it stands in no log."""
    name, schema, data = registry.encode_readable(event)
    event_id = uuid7()
    stored = StoredEvent(
        partition=_NOWHERE,
        offset=_NOWHERE,
        stream=f"published-{UUID(bytes=event_id)}",
        version=1,
        event_id=event_id,
        timestamp=time.time_ns() // 1_000,
        type=name,
        schema=schema,
        data=data,
        context=b"",
        topic=topic,
    )
    return Recorded(stored, event)

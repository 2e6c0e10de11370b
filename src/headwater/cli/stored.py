"""Stored events as rows: readable without the application's classes."""

from __future__ import annotations

import json

from headwater.cli.printing import Row
from headwater.domain.event import StoredEvent
from headwater.domain.metadata import from_micros

__all__ = ["EVENT_COLUMNS", "event_row"]

EVENT_COLUMNS = ("position", "stream", "version", "type", "timestamp", "data")


def event_row(event: StoredEvent, *, as_json: bool) -> Row:
    """One event; in JSON its data and context are objects, else the data is text."""
    row: dict[str, object] = {
        "position": f"{event.partition}:{event.offset}",
        "stream": event.stream,
        "version": event.version,
        "type": event.type,
        "timestamp": from_micros(event.timestamp),
        "data": _object(event.data) if as_json else event.data.decode(errors="replace"),
    }
    if as_json:
        row |= {"event_id": event.event_id.hex(), "schema": event.schema, "context": _object(event.context or b"{}")}
        row |= {"topic": event.topic} if event.topic is not None else {}
    return row


def _object(data: bytes) -> object:
    try:
        value: object = json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
    return value

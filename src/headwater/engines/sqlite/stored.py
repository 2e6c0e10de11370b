"""Stored events: many rows come as one, and are taken apart and proved here."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from headwater.domain.event import StoredEvent
from headwater.engines.sqlite.checksum import seal
from headwater.errors import StoreCorrupt

__all__ = ["PAGE", "EventPage", "stored_events"]

PAGE: Final = 2_000
"""Events in one row, at most: far from the billion bytes a value of SQLite's may have."""

_Columns: TypeAlias = tuple[int, str, int, int, str, int, str | None, int, int, int]
"""Offset, stream, version, timestamp, type, schema, topic, checksum, length of data, length of context."""
EventPage: TypeAlias = tuple[bytes, bytes | None, bytes | None, bytes | None]
"""JSON of the columns, then event ids, data and contexts, each one after the other; None for no events."""

_columns = msgspec.json.Decoder(list[_Columns]).decode


def stored_events(page: EventPage) -> list[StoredEvent]:
    """The events of a page; raises StoreCorrupt unless each is as it was written."""
    columns, event_ids, data, contexts = page
    try:
        rows = _columns(columns)
    except msgspec.DecodeError as error:
        raise StoreCorrupt("stored columns are damaged: run `headwater verify` and restore from a backup") from error
    return _taken_apart(rows, event_ids or b"", data or b"", contexts or b"")


def _taken_apart(rows: list[_Columns], event_ids: bytes, data: bytes, contexts: bytes) -> list[StoredEvent]:
    events: list[StoredEvent] = []
    at_id = at_data = at_context = 0
    for offset, stream, version, timestamp, type, schema, topic, checksum, data_length, context_length in rows:
        event_id = event_ids[at_id : (at_id := at_id + 16)]
        payload = data[at_data : (at_data := at_data + data_length)]
        context = contexts[at_context : (at_context := at_context + context_length)]
        if seal(version, timestamp, event_id, type, schema, topic, context, payload) != checksum >> 32:
            raise StoreCorrupt(
                f"event {version} of stream {stream!r} does not match its checksum: "
                f"run `headwater verify` and restore from a backup"
            )
        events.append(
            StoredEvent(0, offset, stream, version, event_id, timestamp, type, schema, payload, context, topic)
        )
    return events

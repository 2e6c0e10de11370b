"""Stored events: many rows come as one, and are taken apart and proved here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec

from headwater.domain.event import StoredEvent
from headwater.engines.sql.checksum import SEPARATOR, seal
from headwater.errors import StoreCorrupt
from headwater.ports.log import LogFilter

__all__ = ["PAGE", "SHORT", "EventPage", "EventRow", "stored_events", "stored_rows"]

PAGE: Final = 2_000
"""Events in one row, at most: far from the billion bytes a value of SQLite's may have."""

SHORT: Final = 16
"""Events read row by row where there are no more: for so few, putting them together costs more than it saves."""

_Columns: TypeAlias = tuple[int, str, int, int, str, int, str | None, int]
"""Offset, stream, version, timestamp, type, schema, topic, checksum."""
EventPage: TypeAlias = tuple[bytes, bytes | None, bytes | None, bytes | None]
"""JSON of the columns, event ids one after the other, data and contexts in lines; None for no events."""

EventRow: TypeAlias = tuple[int, str, int, bytes, int, str, int, bytes, bytes, str | None, int]
"""The fields of a StoredEvent without its partition, and the checksum."""

_columns = msgspec.json.Decoder(list[_Columns]).decode


def stored_events(page: EventPage) -> list[StoredEvent]:
    """The events of a page; raises StoreCorrupt unless each is as it was written."""
    columns, event_ids, data, contexts = page
    try:
        rows = _columns(columns)
    except msgspec.DecodeError as error:
        raise StoreCorrupt("stored columns are damaged: run `headwater verify` and restore from a backup") from error
    return _taken_apart(rows, event_ids or b"", data or b"", contexts or b"") if rows else []


def stored_rows(rows: Iterable[EventRow], limit: int, only: LogFilter) -> list[StoredEvent]:
    """The first wanted events among single rows; raises StoreCorrupt unless each is as it was written."""
    events: list[StoredEvent] = []
    for offset, stream, version, event_id, timestamp, type, schema, data, context, topic, checksum in rows:
        event = StoredEvent(0, offset, stream, version, event_id, timestamp, type, schema, data, context, topic)
        if not only.metadata and not only.matches(event):
            continue
        if seal(version, timestamp, event_id, type, schema, topic, context, data) != checksum >> 32:
            raise _corrupt(stream, version)
        if only.matches(event):
            events.append(event)
        if len(events) == limit:
            break
    return events


def _corrupt(stream: str, version: int) -> StoreCorrupt:
    return StoreCorrupt(
        f"event {version} of stream {stream!r} does not match its checksum: "
        f"run `headwater verify` and restore from a backup"
    )


def _taken_apart(rows: list[_Columns], event_ids: bytes, data: bytes, contexts: bytes) -> list[StoredEvent]:
    ids = [event_ids[at : at + 16] for at in range(0, len(event_ids), 16)]
    lines, context_lines = data.split(SEPARATOR), contexts.split(SEPARATOR)
    if not len(rows) == len(ids) == len(lines) == len(context_lines):
        raise _corrupt(rows[0][1], rows[0][2])
    events: list[StoredEvent] = []
    for columns, event_id, payload, context in zip(rows, ids, lines, context_lines, strict=True):
        offset, stream, version, timestamp, type, schema, topic, checksum = columns
        if seal(version, timestamp, event_id, type, schema, topic, context, payload) != checksum >> 32:
            raise _corrupt(stream, version)
        events.append(
            StoredEvent(0, offset, stream, version, event_id, timestamp, type, schema, payload, context, topic)
        )
    return events

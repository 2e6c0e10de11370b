"""Event rows: an event of the protocol as columns, and back, proved against its checksum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import msgspec

from headwater.domain.event import NewEvent, StoredEvent
from headwater.engines.cassandra.protocol.rows import EventRow, FirstCells
from headwater.engines.sql.checksum import seal
from headwater.errors import StoreCorrupt

__all__ = ["EventColumns", "StoredColumns", "columns_of", "event_row", "first_cells", "stored_event"]

EventColumns: TypeAlias = tuple[int, bytes, int, bytes, str, int, bytes, bytes, str, list[str], int, str, bytes]
"""Version, attempt, time, event id, type, schema, data, context, topic, tags, seal, command, first.

What an event does not have is empty, never null, which would be a tombstone.
"""
StoredColumns: TypeAlias = tuple[int, int, bytes, str, int, bytes, bytes, str, int]
"""Version, time, event id, type, schema, data, context, topic, seal."""

_encode_first = msgspec.msgpack.Encoder().encode
first_cells = msgspec.msgpack.Decoder(FirstCells).decode
"""What an append says once, from its first row's column `first`; of no other row, where that is empty."""


def columns_of(row: EventRow) -> EventColumns:
    """As it is written: into its stream, and once more into the log."""
    event, first = row.event, row.first
    sum = seal(row.version, row.time, event.event_id, event.type, event.schema, event.topic, row.context, event.data)
    command = "" if first is None or first.command is None else first.command.id
    return (
        row.version,
        row.attempt,
        row.time,
        event.event_id,
        event.type,
        event.schema,
        event.data,
        row.context,
        event.topic or "",
        list(event.tags),
        sum,
        command,
        b"" if first is None else _encode_first(first),
    )


def event_row(stream: str, columns: Sequence[object]) -> EventRow | None:
    """The row of its columns; None where it is not visible. Raises StoreCorrupt."""
    if columns[1] is None:
        return None  # all there is of it is where it lies in the log
    version, attempt, time, event_id, type, schema, data, context, topic, tags, sum, _, first = cast(
        "EventColumns", columns
    )
    _check(stream, (version, time, event_id, type, schema, data, context, topic, sum))
    event = NewEvent(event_id, type, schema, data, topic or None, tuple(tags or ()))
    return EventRow(version, attempt, time, event, context, first_cells(first) if first else None)


def stored_event(partition: int, offset: int, stream: str, columns: StoredColumns) -> StoredEvent:
    """As readers get it; raises StoreCorrupt."""
    _check(stream, columns)
    version, time, event_id, type, schema, data, context, topic, _ = columns
    return StoredEvent(partition, offset, stream, version, event_id, time, type, schema, data, context, topic or None)


def _check(stream: str, columns: StoredColumns) -> None:
    version, time, event_id, type, schema, data, context, topic, sum = columns
    if seal(version, time, event_id, type, schema, topic or None, context, data) != sum:
        raise StoreCorrupt(
            f"event {version} of stream {stream!r} does not match its checksum: "
            "run `headwater verify` and restore from a backup"
        )

"""Stored events: rows of the log, proved against their checksums."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias, cast

from asyncpg.pgproto.pgproto import UUID

from headwater.domain.event import StoredEvent
from headwater.engines.postgres.connection import Row
from headwater.engines.sql.checksum import seal
from headwater.errors import StoreCorrupt

__all__ = ["PAGE", "stored_events"]

PAGE: Final = 2_000
"""Events in one answer, at most."""

_EventRow: TypeAlias = tuple[int, int, str, int, UUID, int, str, int, bytes, bytes, str | None, int]
"""The fields of a StoredEvent, and the checksum."""


def stored_events(rows: Iterable[Row]) -> list[StoredEvent]:
    """The events of rows; raises StoreCorrupt unless each is as it was written."""
    events: list[StoredEvent] = []
    for row in cast("Iterable[_EventRow]", rows):
        partition, offset, stream, version, uuid, timestamp, type, schema, data, context, topic, checksum = row
        event_id = uuid.bytes
        if seal(version, timestamp, event_id, type, schema, topic, context, data) != checksum >> 32:
            raise StoreCorrupt(
                f"event {version} of stream {stream!r} does not match its checksum: "
                f"run `headwater verify` and restore from a backup"
            )
        events.append(
            StoredEvent(partition, offset, stream, version, event_id, timestamp, type, schema, data, context, topic)
        )
    return events

"""Command rows: the columns of a command's record, and back."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from headwater.domain.append import CommandRecord, Written
from headwater.domain.free_text import told

__all__ = ["CommandRow", "command_row", "record_of"]

CommandRow: TypeAlias = tuple[str, str, bytes, bytes, str | None, bytes, str | None, int]
"""Id, name, fingerprint, result, error, writes as JSON, principal, timestamp."""

_encode = msgspec.json.Encoder().encode
_writes = msgspec.json.Decoder(tuple[tuple[str, int, int], ...]).decode


def command_row(record: CommandRecord, writes: tuple[Written, ...], timestamp: int) -> CommandRow:
    """The columns of a record."""
    places = _encode([(write.stream, write.first, write.last) for write in writes])
    error = record.error and told(record.error)
    return record.id, record.name, record.fingerprint, record.result, error, places, record.principal, timestamp


def record_of(row: CommandRow) -> CommandRecord:
    """The record of its columns."""
    id, name, fingerprint, result, error, writes, principal, timestamp = row
    return CommandRecord(
        id=id,
        name=name,
        fingerprint=fingerprint,
        result=result,
        error=error,
        writes=tuple([Written(*place) for place in _writes(writes)]),
        principal=principal,
        timestamp=timestamp,
    )

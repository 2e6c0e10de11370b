"""Metadata: what is known of an event beside its data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from headwater.errors import InvalidInput

__all__ = ["NO_CONTEXT", "Context", "Metadata", "from_micros", "to_micros"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(2112, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who and what caused an append; stored with each of its events."""

    command_id: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    principal: str | None = None
    tenant: str | None = None
    headers: dict[str, str] = {}


NO_CONTEXT: Final = Context()


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a recorded event beside its data."""

    event_id: UUID
    """Version 7, one per event."""
    timestamp: datetime
    """When the append was stamped; aware, UTC, strictly rising within a stream, exact to the microsecond."""
    command_id: str | None = None
    correlation_id: str | None = None
    """The same for everything that follows from one outside request."""
    causation_id: str | None = None
    """The id of the command or event that caused this one."""
    principal: str | None = None
    tenant: str | None = None
    headers: dict[str, str] = {}


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime in [1970, 2112); raises InvalidInput otherwise."""
    if moment.utcoffset() is None:
        raise InvalidInput(f"{moment!r} has no time zone: use datetime(..., tzinfo=UTC)")
    if not _EPOCH <= moment < _END:
        raise InvalidInput(f"{moment.isoformat()} is outside 1970..2112: check the clock")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime, exact to the microsecond."""
    return _EPOCH + timedelta(microseconds=micros)

"""Kept rows: what the tables of the read side hold, as the values of its ports.

Each function takes the columns its alias names, in their order; any sequence of a driver's will do.
"""

from __future__ import annotations

from typing import TypeAlias

from headwater.ports.conditions import Pause, Trouble, TroubleKind
from headwater.ports.journal import Entry
from headwater.ports.leases import Lease
from headwater.ports.parking import ParkedEvent, ParkedQueue
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint

__all__ = [
    "CheckpointRow",
    "EntryRow",
    "LeaseRow",
    "ParkedRow",
    "PauseRow",
    "QueueRow",
    "TroubleRow",
    "checkpoint_of",
    "entry_of",
    "lease_of",
    "parked_of",
    "pause_of",
    "queue_of",
    "trouble_of",
]

CheckpointRow: TypeAlias = tuple[str, int, int, int, int, int, int]
"""Projection, partition, generation, key range; offset, epoch, effects."""
ParkedRow: TypeAlias = tuple[str, int, int, int, str, str, str | None, str, int, int, int | None, bytes | None]
"""Projection, generation, partition, offset; key, type, error, trace, attempts, parked_at, retry_at, data."""
QueueRow: TypeAlias = tuple[str, int, int, str, int, int, str | None, int | None]
"""Projection, generation, partition, key; the first offset, how many, the first one's error and retry_at."""
PauseRow: TypeAlias = tuple[str, str, str, int]
"""Projection, by whom, reason, since."""
TroubleRow: TypeAlias = tuple[str, int, int, int, TroubleKind, str, int, int, str, int, int | None]
"""Projection, partition, generation, key range; kind, error, offset, since, owner, failures, retry_at."""
EntryRow: TypeAlias = tuple[int, str, str, str, str, str]
"""At, by whom, action, subject, outcome, details."""
LeaseRow: TypeAlias = tuple[str, str, int, int]
"""Name, owner, epoch, expires_at."""


def checkpoint_of(row: CheckpointRow) -> Checkpoint:
    projection, partition, generation, key_range, offset, epoch, effects = row
    place = Place(projection, partition, generation, key_range)
    return Checkpoint(place=place, offset=offset, epoch=epoch, effects=effects)


def parked_of(row: ParkedRow) -> ParkedEvent:
    projection, generation, partition, offset, key, type, error, trace, attempts, parked_at, retry_at, data = row
    return ParkedEvent(
        projection=projection,
        generation=generation,
        partition=partition,
        offset=offset,
        key=key,
        type=type,
        error=error,
        trace=trace,
        attempts=attempts,
        parked_at=parked_at,
        retry_at=retry_at,
        data=data,
    )


def queue_of(row: QueueRow) -> ParkedQueue:
    projection, generation, partition, key, first, events, error, retry_at = row
    return ParkedQueue(
        projection=projection,
        generation=generation,
        partition=partition,
        key=key,
        first=first,
        events=events,
        error=error,
        retry_at=retry_at,
    )


def pause_of(row: PauseRow) -> Pause:
    projection, by, reason, since = row
    return Pause(projection=projection, by=by, reason=reason, since=since)


def trouble_of(row: TroubleRow) -> Trouble:
    projection, partition, generation, key_range, kind, error, offset, since, owner, failures, retry_at = row
    return Trouble(
        place=Place(projection, partition, generation, key_range),
        kind=kind,
        error=error,
        offset=offset,
        since=since,
        owner=owner,
        failures=failures,
        retry_at=retry_at,
    )


def entry_of(row: EntryRow) -> Entry:
    at, by, action, subject, outcome, details = row
    return Entry(at=at, by=by, action=action, subject=subject, outcome=outcome, details=details)


def lease_of(row: LeaseRow) -> Lease:
    name, owner, epoch, expires_at = row
    return Lease(name=name, owner=owner, epoch=epoch, expires_at=expires_at)

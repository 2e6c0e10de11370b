"""Import: what one store takes in of another as it was, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from headwater.domain.append import CommandRecord, UniqueKey
from headwater.domain.event import StoredEvent
from headwater.domain.identifier import check_id, check_type_name
from headwater.domain.stream import StreamId
from headwater.domain.tags import check_tag
from headwater.errors import DuplicateEventId, ImportRefused, InvalidMessage
from headwater.limits import Limits

__all__ = ["Import", "Imported", "Run", "check_import", "check_same", "new_records", "still_to_come"]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """One batch: taken in whole, or not at all."""

    events: Sequence[StoredEvent] = ()
    """In the order in which they are to lie; the partitions and offsets they had are not looked at."""
    partition_keys: Mapping[str, str] = {}
    """Of the streams among them that are partitioned by another key than their name."""
    tags: Mapping[bytes, tuple[str, ...]] = {}
    """By event id, of those that have any, in order."""
    commands: Sequence[CommandRecord] = ()
    """In the order in which they were kept."""
    keys: Mapping[UniqueKey, str | None] = {}
    """Which stream holds a unique key from now on; None: nobody."""


class Imported(msgspec.Struct, frozen=True):
    """How much of an import was not there before."""

    events: int = 0
    commands: int = 0
    keys: int = 0


class Run(msgspec.Struct, frozen=True):
    """The events of one stream in an import, by version."""

    stream: str
    partition_key: str | None
    events: Sequence[StoredEvent]

    @property
    def first(self) -> StoredEvent:
        return self.events[0]

    @property
    def last(self) -> StoredEvent:
        return self.events[-1]


def check_import(batch: Import, limits: Limits) -> dict[str, Run]:
    """The runs of a batch by stream, once its form is that of stored events.

    Raises:
        ImportRefused: versions of a stream that do not follow on one another, a timestamp that does not rise.
        InvalidMessage: data or context of more than one line, an event id that is none.
        InvalidId, InvalidIdentifier: of a stream, a type, a partition key or a tag.
        DuplicateEventId: one event id twice in the batch.
    """
    runs: dict[str, list[StoredEvent]] = {}
    for event in batch.events:
        _check_form(event)
        runs.setdefault(event.stream, []).append(event)
    if len({event.event_id for event in batch.events}) < len(batch.events):
        raise DuplicateEventId("of one of the events")
    for type in {event.type for event in batch.events}:
        check_type_name(type)
    for key in batch.partition_keys.values():
        check_id(key, "partition key", limits.id_bytes)
    for tag in {tag for tags in batch.tags.values() for tag in tags}:
        check_tag(tag, limits.id_bytes)
    for stream, events in runs.items():
        StreamId.parse(stream, limits.id_bytes)
        for event, following in pairwise(events):
            _check_follows(following, event.version, event.timestamp)
    return {stream: Run(stream, batch.partition_keys.get(stream), events) for stream, events in runs.items()}


def still_to_come(run: Run, partition_key: str | None, version: int, last_timestamp: int) -> Sequence[StoredEvent]:
    """Which events of a run a stream that stands at `version` does not have yet.

    Raises ImportRefused where they do not follow on what is there, or the stream has another partition key.
    """
    if version and (partition_key or run.stream) != (run.partition_key or run.stream):
        raise ImportRefused(
            f"stream {run.stream!r} is partitioned by {partition_key or run.stream!r} here, "
            f"and by {run.partition_key or run.stream!r} there: this is no copy of it"
        )
    new = [event for event in run.events if event.version > version]
    if new:
        _check_follows(new[0], version, last_timestamp)
    return new


def check_same(there: StoredEvent, there_tags: tuple[str, ...], given: StoredEvent, batch: Import) -> None:
    """Raise ImportRefused unless the event at a version is the one given, wherever it lies."""
    if _unplaced(there) != _unplaced(given) or there_tags != batch.tags.get(given.event_id, ()):
        raise ImportRefused(
            f"event {given.version} of stream {given.stream!r} is another one here than there: this is no copy of it"
        )


def new_records(batch: Import, there: Mapping[str, CommandRecord]) -> list[CommandRecord]:
    """Which records of a batch are not there yet, or there as refused; by id those that are there.

    Raises ImportRefused for a command that was committed with another outcome.
    """
    new: dict[str, CommandRecord] = {}
    for record in batch.commands:
        known = there.get(record.id)
        if known == record:
            continue
        if known is not None and known.error is None:
            raise ImportRefused(f"command {record.id!r} has another outcome here than there: this is no copy of it")
        new.pop(record.id, None)
        new[record.id] = record
    return list(new.values())


def _unplaced(event: StoredEvent) -> StoredEvent:
    return msgspec.structs.replace(event, partition=0, offset=0)


def _check_form(event: StoredEvent) -> None:
    if b"\n" in event.data or b"\n" in event.context:
        raise InvalidMessage(f"data or context of {event.type} have line breaks: each is one line of JSON")
    if len(event.event_id) != 16:
        raise InvalidMessage(f"an event id has 16 bytes, got {len(event.event_id)}")


def _check_follows(event: StoredEvent, version: int, timestamp: int) -> None:
    if event.version != version + 1:
        raise ImportRefused(
            f"event {event.version} of stream {event.stream!r} comes behind event {version}: "
            "a stream is taken in without holes, so look for the missing ones"
        )
    if event.timestamp <= timestamp:
        raise ImportRefused(
            f"event {event.version} of stream {event.stream!r} is not younger than the one before it: "
            "verify the store it comes from"
        )

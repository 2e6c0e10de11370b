"""Append: everything one command commits, as one value."""

from __future__ import annotations

import msgspec

from headwater.domain.boundary import AppendCondition
from headwater.domain.event import NewEvent
from headwater.domain.identifier import Identifier, check_id, check_type_name
from headwater.domain.stream import StreamId
from headwater.domain.tags import check_tag
from headwater.domain.version import ExpectedVersion
from headwater.errors import DuplicateEventId, InvalidMessage, LimitExceeded
from headwater.limits import Limits

__all__ = ["Append", "Appended", "Check", "CommandRecord", "UniqueKey", "Write", "Written", "check_append"]


class UniqueKey(msgspec.Struct, frozen=True, order=True):
    """A value that at most one stream may hold in a scope: `UniqueKey("user-email", "john@example.com")`."""

    scope: str
    value: str


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """The new events of one stream, and the unique keys it takes and gives up with them."""

    stream: StreamId
    expected: ExpectedVersion
    events: tuple[NewEvent, ...]
    partition_key: str | None = None
    """What decides the partition; None: the stream. The same for every append to one stream."""
    claims: tuple[UniqueKey, ...] = ()
    releases: tuple[UniqueKey, ...] = ()


class Check(msgspec.Struct, frozen=True):
    """A stream that must stand at this version for the append to commit, and is not written."""

    stream: StreamId
    expected: ExpectedVersion


class Written(msgspec.Struct, frozen=True):
    """What one `Write` became: versions `first` to `last` of the stream."""

    stream: str
    first: int
    last: int


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a command, under its id."""

    id: str
    name: str
    fingerprint: bytes
    """A hash of name and payload: the same id with another one is an IdempotencyMismatch."""
    result: bytes = b"null"
    """JSON of what the handler returned."""
    error: str | None = None
    """None for a committed command; type and text of the rejection for one that was refused."""
    writes: tuple[Written, ...] = ()
    principal: str | None = None
    timestamp: int = 0
    """Microseconds since 1970; stamped by the engine when committed."""


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """One atomic unit: all of it is committed, or nothing."""

    writes: tuple[Write, ...]
    context: bytes = b""
    """JSON of the `Context` stored with every event, in one line."""
    command: CommandRecord | None = None
    checks: tuple[Check, ...] = ()
    changes: tuple[object, ...] = ()
    """Read-model changes (`headwater.models.changes.Change`) committed with the events."""
    conditions: tuple[AppendCondition, ...] = ()
    """Boundaries that must be as they were read; the events are stamped later than all that was read of them."""

    def stamped_from(self, now: int) -> int:
        """The earliest time of its events: now, in microseconds since 1970, or just after what it was decided on."""
        return max([now, *[condition.after.time + 1 for condition in self.conditions]]) if self.conditions else now


class Appended(msgspec.Struct, frozen=True):
    """The outcome of a committed append."""

    writes: tuple[Written, ...]
    replayed: CommandRecord | None = None
    """Set when this command id had committed before: this is its first outcome, and nothing new was written."""


def check_append(append: Append, limits: Limits) -> None:
    """What every engine refuses before it looks at its store: a bad form, a bad name, too much of something.

    Raises:
        InvalidMessage: a write without events, two writes to one stream, nothing to commit at all.
        InvalidId, InvalidIdentifier: of a stream, a unique key, a command, an event's type or its topic.
        InvalidId, InvalidMessage: a tag that is none, tags of an integration event.
        LimitExceeded: sizes above `limits`.
        DuplicateEventId: one event id twice in the append.
    """
    writes = append.writes
    if b"\n" in append.context:
        raise InvalidMessage("the context of an append has line breaks: it is one line of JSON")
    if len(append.context) > limits.metadata_bytes:
        raise LimitExceeded("metadata in bytes", len(append.context), limits.metadata_bytes)
    if not writes and append.command is None:
        raise InvalidMessage("an append without writes and without a command commits nothing: give it either")
    if len(writes) > 1 and len({write.stream for write in writes}) < len(writes):
        raise InvalidMessage("two writes of one append name the same stream: put their events into one write")
    for write in writes:
        _check_write(write, limits)
    for check in append.checks:
        _check_stream(check.stream, limits)
    if append.command is not None:
        _check_command(append.command, limits)
    _check_events([event for write in writes for event in write.events], limits)


def _check_write(write: Write, limits: Limits) -> None:
    _check_stream(write.stream, limits)
    if not write.events:
        raise InvalidMessage(f"the write to stream {str(write.stream)!r} has no events: leave it out, or use a check")
    if write.partition_key is not None:
        check_id(write.partition_key, "partition key", limits.id_bytes)
    for key in (*write.claims, *write.releases):
        check_id(key.scope, "scope of a unique key", limits.id_bytes)
        check_id(key.value, "unique key", limits.id_bytes)


def _check_stream(stream: StreamId, limits: Limits) -> None:
    Identifier(stream.category)
    check_id(stream.id, "stream id", limits.id_bytes)


def _check_command(command: CommandRecord, limits: Limits) -> None:
    check_id(command.id, "command id", limits.id_bytes)
    if len(command.result) > limits.payload_bytes:
        raise LimitExceeded("result of a command in bytes", len(command.result), limits.payload_bytes)


def _check_events(events: list[NewEvent], limits: Limits) -> None:
    if len(events) > limits.events_per_append:
        raise LimitExceeded("number of events in an append", len(events), limits.events_per_append)
    sizes = [len(event.data) for event in events]
    if sizes and max(sizes) > limits.payload_bytes:
        raise LimitExceeded("payload of an event in bytes", max(sizes), limits.payload_bytes)
    if sum(sizes) > limits.append_bytes:
        raise LimitExceeded("payload of an append in bytes", sum(sizes), limits.append_bytes)
    _check_names(events, limits)
    seen: set[bytes] = set()
    for event in events:
        if b"\n" in event.data:
            raise InvalidMessage(f"the data of {event.type} has line breaks: an event's data is one line of JSON")
        if len(event.event_id) != 16:
            raise InvalidMessage(f"an event id has 16 bytes, got {len(event.event_id)}: let headwater choose event ids")
        if event.event_id in seen:
            raise DuplicateEventId(event.event_id.hex())
        seen.add(event.event_id)
        if event.tags:
            _check_tags(event, limits)


def _check_names(events: list[NewEvent], limits: Limits) -> None:
    for type in {event.type for event in events}:
        check_type_name(type)
    for topic in {event.topic for event in events if event.topic is not None}:
        check_id(topic, "topic", limits.id_bytes)


def _check_tags(event: NewEvent, limits: Limits) -> None:
    if event.topic is not None:
        raise InvalidMessage(f"{event.type} is hidden from all but the relay and has tags: leave them out")
    if len(event.tags) > limits.tags_per_event:
        raise LimitExceeded(f"the number of tags of {event.type}", len(event.tags), limits.tags_per_event)
    if len(set(event.tags)) < len(event.tags):
        raise InvalidMessage(f"{event.type} has one tag twice: a tag is there or not")
    for tag in event.tags:
        check_tag(tag, limits.id_bytes)

"""Append: everything one command commits, as one value."""

from __future__ import annotations

import msgspec

from headwater.domain.event import NewEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import ExpectedVersion

__all__ = ["Append", "Appended", "Check", "CommandRecord", "UniqueKey", "Write", "Written"]


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
    """JSON of the `Context` stored with every event."""
    command: CommandRecord | None = None
    checks: tuple[Check, ...] = ()
    changes: tuple[object, ...] = ()
    """Read-model changes (`headwater.models.changes.Change`) committed with the events."""


class Appended(msgspec.Struct, frozen=True):
    """The outcome of a committed append."""

    writes: tuple[Written, ...]
    replayed: CommandRecord | None = None
    """Set when this command id had committed before: this is its first outcome, and nothing new was written."""

"""Events on their way: as they go into a store, as they lie there, as they are handed to a reader."""

from __future__ import annotations

from typing import Final, Generic, TypeVar
from uuid import UUID

import msgspec

from headwater.domain.metadata import NO_CONTEXT, Context, Metadata, from_micros
from headwater.domain.position import Position

__all__ = ["UNLOGGED", "NewEvent", "Recorded", "StoredEvent"]

E_co = TypeVar("E_co", covariant=True)

UNLOGGED: Final = 2**63 - 1
"""The offset of an event that its stream has and the log has yet to get: behind every other."""

_decode_context = msgspec.json.Decoder(Context).decode


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An encoded event that is to be appended."""

    event_id: bytes
    """16 bytes of a version 7 UUID."""
    type: str
    schema: int
    data: bytes
    """JSON in one line."""
    topic: str | None = None
    """None for a domain event; the topic of an integration event, hidden from every reader but the relay."""
    tags: tuple[str, ...] = ()
    """By which boundaries find it: `name:value`, each once. They are kept beside the event, not in it."""


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An encoded event as an engine hands it out."""

    partition: int
    offset: int
    """UNLOGGED where a stream was loaded, and the engine does not know yet; the log knows all of its own."""
    stream: str
    version: int
    event_id: bytes
    timestamp: int
    """Microseconds since 1970."""
    type: str
    schema: int
    data: bytes
    context: bytes
    """JSON of a `Context`."""
    topic: str | None = None


class Recorded(Generic[E_co]):
    """An event read from the log: its data decoded, its metadata decoded when first asked for."""

    __slots__ = ("_metadata", "_stored", "data")

    data: E_co

    def __init__(self, stored: StoredEvent, data: E_co) -> None:
        self._stored = stored
        self._metadata: Metadata | None = None
        self.data = data

    @property
    def type(self) -> str:
        """The stored type name."""
        return self._stored.type

    @property
    def stream(self) -> str:
        """The stream as text, `category-id`."""
        return self._stored.stream

    @property
    def stream_id(self) -> str:
        """The stream's id without its category: `u1` of `user-u1`."""
        return self._stored.stream.partition("-")[2]

    @property
    def category(self) -> str:
        return self._stored.stream.partition("-")[0]

    @property
    def version(self) -> int:
        """The place in the stream, from 1."""
        return self._stored.version

    @property
    def position(self) -> Position:
        """The place in the log."""
        return Position(self._stored.partition, self._stored.offset)

    @property
    def metadata(self) -> Metadata:
        if self._metadata is None:
            self._metadata = _metadata(self._stored)
        return self._metadata

    @property
    def stored(self) -> StoredEvent:
        """The event as it lies in the store, encoded."""
        return self._stored

    def __repr__(self) -> str:
        return f"<{self.type} {self.stream}@{self.version} at {self.position}: {self.data!r}>"


def _metadata(stored: StoredEvent) -> Metadata:
    context = _decode_context(stored.context) if stored.context else NO_CONTEXT
    return Metadata(
        event_id=UUID(bytes=stored.event_id),
        timestamp=from_micros(stored.timestamp),
        command_id=context.command_id,
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
        principal=context.principal,
        tenant=context.tenant,
        headers=context.headers,
    )

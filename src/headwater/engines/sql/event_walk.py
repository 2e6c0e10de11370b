"""Event walk: every stored event against its checksum, its stream and the event before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from headwater.engines.sql.checksum import checksum, link, seal
from headwater.ports.admin import Finding

__all__ = ["EventWalk", "WalkedEvent", "stored_text", "wrong"]


class WalkedEvent(NamedTuple):
    """An event, and what its stream says of itself. Text comes as bytes, as damaged text may be no text."""

    stream: int | str
    version: int
    place: str
    """Where it lies, for a person to read."""
    event_id: bytes
    timestamp: int
    type: bytes
    schema: int
    data: bytes
    context: bytes
    topic: bytes | None
    checksum: int
    name: bytes | None
    head: int
    chain: int
    last_timestamp: int


class EventWalk:
    """Takes all events by stream and version."""

    def __init__(self) -> None:
        self.checked = 0
        """Events so far."""
        self._last: WalkedEvent | None = None
        self._chain = 0

    def check(self, event: WalkedEvent) -> Iterator[Finding]:
        """What is wrong with the next one."""
        where = f"{stored_text(event.name)} version {event.version}, {event.place}"
        before = self._last if self._last is not None and self._last.stream == event.stream else None
        if event.name is None:
            yield wrong("an event of a stream that is not there", where)
        if event.version != (before.version + 1 if before else 1):
            yield wrong("versions with a hole: an event is missing", where)
        if before and event.timestamp <= before.timestamp:
            yield wrong("a timestamp that does not rise", where)
        own = seal(
            event.version,
            event.timestamp,
            event.event_id,
            event.type.decode(errors="replace"),
            event.schema,
            stored_text(event.topic),
            event.context,
            event.data,
        )
        self._chain = link(event.data, self._chain if before else 0)
        if event.checksum != checksum(own, self._chain):
            yield wrong("an event that does not match its checksum", where)
        at_head = event.timestamp == event.last_timestamp and self._chain == event.chain
        if event.version == event.head and not at_head:
            yield wrong("a stream that does not match its last event", where)
        self._last = event
        self.checked += 1


def stored_text(stored: bytes | None) -> str | None:
    """Text as far as it is any."""
    return None if stored is None else stored.decode(errors="replace")


def wrong(what: str, where: str) -> Finding:
    return Finding(severity="error", what=what, where=where)

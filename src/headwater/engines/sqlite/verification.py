"""Verification: every stored byte against its checksum, every count against its source, a page at a time."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias, cast

import apsw

from headwater.engines.sql.checksum import checksum, link, seal, snapshot_checksum
from headwater.engines.sqlite.statements import Statements
from headwater.ports.admin import Finding

__all__ = ["Verification"]

_PAGE: Final = 1_000


class _Event(NamedTuple):
    """An event, and what its stream says of itself. Text comes as bytes, as damaged text may be no text."""

    stream: int
    version: int
    offset: int
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


_Row: TypeAlias = tuple[object, ...]
_Found: TypeAlias = tuple[list[Finding], bool]
"""What a piece of a phase shows, and whether the phase is finished."""


class Verification:
    """One walk over a store. Each `step` does a bounded piece of it on a reader's thread."""

    def __init__(self, sql: Statements) -> None:
        self.checked = 0
        """Events checked so far."""
        self._sql = sql
        self._phases: list[Callable[[apsw.Connection], _Found]] = [
            _pages_of_the_file,
            self._events,
            self._counts,
            self._snapshots,
        ]
        self._place = (0, 0)
        self._last: _Event | None = None
        self._chain = 0
        self._snapshot = 0

    def step(self, connection: apsw.Connection) -> tuple[list[Finding], bool]:
        """What the next piece shows, and whether it was the last."""
        findings, is_finished = self._phases[0](connection)
        if is_finished:
            del self._phases[0]
        return findings, not self._phases

    def _events(self, connection: apsw.Connection) -> _Found:
        rows = cast("list[_Row]", connection.execute(self._sql["verify_events"], (*self._place, _PAGE)).fetchall())
        if not rows:
            return [], True
        events = [_Event._make(row) for row in rows]
        findings = [finding for event in events for finding in self._event(event)]
        self._place = events[-1].stream, events[-1].version
        self.checked += len(events)
        return findings, len(rows) < _PAGE

    def _event(self, event: _Event) -> Iterator[Finding]:
        where = f"{_text(event.name)} version {event.version}, offset {event.offset}"
        before = self._last if self._last is not None and self._last.stream == event.stream else None
        if event.name is None:
            yield _error("an event of a stream that is not there", where)
        if event.version != (before.version + 1 if before else 1):
            yield _error("versions with a hole: an event is missing", where)
        if before and event.timestamp <= before.timestamp:
            yield _error("a timestamp that does not rise", where)
        own = seal(
            event.version,
            event.timestamp,
            event.event_id,
            event.type.decode(errors="replace"),
            event.schema,
            _text(event.topic),
            event.context,
            event.data,
        )
        self._chain = link(event.data, self._chain if before else 0)
        if event.checksum != checksum(own, self._chain):
            yield _error("an event that does not match its checksum", where)
        at_head = event.timestamp == event.last_timestamp and self._chain == event.chain
        if event.version == event.head and not at_head:
            yield _error("a stream that does not match its last event", where)
        self._last = event

    def _counts(self, connection: apsw.Connection) -> _Found:
        rows = cast("list[tuple[str, str]]", connection.execute(self._sql["verify_counts"]).fetchall())
        return [_error(what, where) for what, where in rows], True

    def _snapshots(self, connection: apsw.Connection) -> _Found:
        rows = connection.execute(self._sql["verify_snapshots"], (self._snapshot, _PAGE))
        snapshots = cast("list[tuple[int, str, int, bytes, int]]", rows.fetchall())
        if not snapshots:
            return [], True
        self._snapshot = snapshots[-1][0]
        damaged = [
            Finding(severity="warning", what="a damaged snapshot: it is ignored, and made anew", where=stream)
            for _, stream, version, state, kept in snapshots
            if kept != snapshot_checksum(version, state)
        ]
        return damaged, len(snapshots) < _PAGE


def _pages_of_the_file(connection: apsw.Connection) -> _Found:
    rows = cast("list[tuple[str]]", connection.execute("PRAGMA integrity_check").fetchall())
    return [_error(what, "file") for (what,) in rows if what != "ok"], True


def _text(stored: bytes | None) -> str | None:
    return None if stored is None else stored.decode(errors="replace")


def _error(what: str, where: str) -> Finding:
    return Finding(severity="error", what=what, where=where)

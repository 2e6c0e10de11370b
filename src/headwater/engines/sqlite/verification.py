"""Verification: every stored byte against its checksum, every count against its source, a page at a time."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, cast

import apsw

from headwater.engines.sql.checksum import snapshot_checksum
from headwater.engines.sql.event_walk import EventWalk, WalkedEvent, wrong
from headwater.engines.sqlite.statements import Statements
from headwater.ports.admin import Finding

__all__ = ["Verification"]

_PAGE: Final = 1_000

_Row: TypeAlias = tuple[object, ...]
_Found: TypeAlias = tuple[list[Finding], bool]
"""What a piece of a phase shows, and whether the phase is finished."""


class Verification:
    """One walk over a store. Each `step` does a bounded piece of it on a reader's thread."""

    def __init__(self, sql: Statements) -> None:
        self._walk = EventWalk()
        self._sql = sql
        self._phases: list[Callable[[apsw.Connection], _Found]] = [
            _pages_of_the_file,
            self._events,
            self._counts,
            self._snapshots,
        ]
        self._place = (0, 0)
        self._snapshot = 0

    @property
    def checked(self) -> int:
        """Events checked so far."""
        return self._walk.checked

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
        events = [WalkedEvent._make(row) for row in rows]
        findings = [finding for event in events for finding in self._walk.check(event)]
        self._place = cast("int", events[-1].stream), events[-1].version
        return findings, len(rows) < _PAGE

    def _counts(self, connection: apsw.Connection) -> _Found:
        rows = cast("list[tuple[str, str]]", connection.execute(self._sql["verify_counts"]).fetchall())
        return [wrong(what, where) for what, where in rows], True

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
    return [wrong(what, "file") for (what,) in rows if what != "ok"], True

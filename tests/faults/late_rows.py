"""late_rows: a process on Cassandra that stands still between reading rows and writing them, so that it writes late.

Two ways to break what keeps its rows harmless are for controls: their time is that of its own clock, not that of their
events; and they do not know which events they have.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Final

import msgspec

from headwater.engines.cassandra.orders.order_entries import EntrySteps
from headwater.engines.cassandra.rows import row_work
from headwater.engines.cassandra.rows.row_work import RowWork
from headwater.engines.cassandra.rows.rows import Rows
from headwater.engines.cassandra.rows.sub_row import SubRow
from headwater.errors import CheckpointConflict
from headwater.ports.projection_store import ProjectionCommit, ProjectionStore

__all__ = ["LateStore", "forget_events", "hurry", "stand_still"]

_committing: Final = ContextVar[ProjectionCommit | None]("_committing", default=None)
_asked: Final[set[int]] = set()
"""The commit that was asked about and has not ended, by its object's number."""


class LateStore:
    """A projection store that says how a commit went that stood still between reading rows and writing them."""

    def __init__(self, store: ProjectionStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, commit: ProjectionCommit) -> None:
        token = _committing.set(commit)
        said = "committed"
        try:
            await self._store.commit(commit)
        except CheckpointConflict:
            said = "refused"
            raise
        finally:
            _committing.reset(token)
            if id(commit) in _asked:
                _asked.discard(id(commit))
                print(said, flush=True)


def stand_still() -> None:
    """Have this process ask, in one commit at a time, when it has read rows and is about to write them."""
    prepare = Rows._prepare

    async def asking(self: Rows, works: Sequence[RowWork], entries: Sequence[EntrySteps]) -> None:
        commit = _committing.get()
        if commit is not None and not _asked:
            _asked.add(id(commit))
            place = commit.place
            where = f"{place.projection} {place.partition} {place.generation} {place.key_range} {commit.next}"
            print(f"about {where}", flush=True)
            sys.stdin.readline()  # on the loop's thread: nothing of this process goes on meanwhile
        await prepare(self, works, entries)

    Rows._prepare = asking  # type: ignore[method-assign]


def hurry() -> None:
    """For a control: have this process write rows with the time by its own clock, which is a minute ahead."""

    def by_clock(generation: int, log_time: int) -> int:
        return generation << 52 | max(log_time, time.time_ns() // 1_000 + 60_000_000)

    row_work.timestamp = by_clock


def forget_events() -> None:
    """For a control: have this process take every row for one that has none of its events yet."""
    begin = RowWork.begin

    def unknowing(self: RowWork, found: Iterable[SubRow]) -> None:
        begin(self, [msgspec.structs.replace(each, included=min(each.included, 0)) for each in found])

    RowWork.begin = unknowing  # type: ignore[method-assign]

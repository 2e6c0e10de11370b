"""Events of a log whose read models are elsewhere: an append commits nothing but what is the log's."""

from __future__ import annotations

from headwater.domain.append import Append, Appended
from headwater.errors import InvalidMessage
from headwater.ports.atomic_appends import AtomicAppends
from headwater.ports.boundaries import BoundaryAppends
from headwater.ports.event_store import EventStore
from headwater.ports.tags import KeepsTags

__all__ = ["events_apart"]


class LogEvents:
    """An EventStore as it is, without what would need its read models."""

    def __init__(self, events: EventStore) -> None:
        self._append = events.append
        self.load = events.load
        self.fold_rows = events.fold_rows
        self.head = events.head
        self.count = events.count

    async def append(self, append: Append) -> Appended:
        """As the log's. Raises InvalidMessage for read-model changes, which another store would have to commit."""
        return await self._append(_without_changes(append))


class TaggedLogEvents(LogEvents):
    """The same of one that is a KeepsTags, too."""

    def __init__(self, events: EventStore, tagged: KeepsTags) -> None:
        super().__init__(events)
        self.tags_between = tagged.tags_between


class AtomicLogEvents(LogEvents):
    """The same of one that is an AtomicAppends, too."""

    def __init__(self, store: EventStore, atomic: AtomicAppends) -> None:
        super().__init__(store)
        self._append_atomic = atomic.append_atomic

    async def append_atomic(self, append: Append) -> Appended:
        """As the log's. Raises InvalidMessage for read-model changes."""
        return await self._append_atomic(_without_changes(append))


class BoundaryLogEvents(AtomicLogEvents):
    """The same of one that is a BoundaryAppends, too."""

    def __init__(self, store: EventStore, atomic: AtomicAppends, boundaries: BoundaryAppends) -> None:
        super().__init__(store, atomic)
        self._append_within = boundaries.append_within
        self.read_within = boundaries.read_within
        self.tags_between = boundaries.tags_between

    async def append_within(self, append: Append) -> Appended:
        """As the log's. Raises InvalidMessage for read-model changes."""
        return await self._append_within(_without_changes(append))


def events_apart(events: EventStore) -> EventStore:
    """What appends to the log, and cannot commit rows with the events."""
    if isinstance(events, AtomicAppends):
        if isinstance(events, BoundaryAppends):
            return BoundaryLogEvents(events, events, events)
        return AtomicLogEvents(events, events)
    return TaggedLogEvents(events, events) if isinstance(events, KeepsTags) else LogEvents(events)


def _without_changes(append: Append) -> Append:
    if append.changes:
        raise InvalidMessage(
            "this append has changes of read models, which are in another store than the log: "
            "have a projection make them, or keep both in one store"
        )
    return append

"""Imports: a store becomes a copy of another one."""

from __future__ import annotations

from typing import Protocol

import msgspec

from headwater.domain.importing import Import, Imported

__all__ = ["Imports", "Origin"]


class Origin(msgspec.Struct, frozen=True):
    """Which store this one is a copy of."""

    store_id: str
    is_whole: bool
    """False from `begin` to `finish`: no application may run on it."""


class Imports(Protocol):
    """Takes in the events, command records and unique keys of one other store, as they were.

    Law:
    - Event ids, versions, timestamps, types, schemas, data, contexts, topics, tags, partition keys and the order of
      each stream are kept. Positions are new: events of one partition lie behind what is there, in the order given.
    - What is there already is passed by if it is equal in all that is kept; else ImportRefused. A stream with a hole is
      refused. A record of a refused command makes way for another one. A unique key changes hands as it is told; one
      of a stream that is not there is left out.
    - An import is atomic, and repeating one changes nothing: after any interruption the same may be given again.
    - A store that an application uses (`Engine.follow`), or that has events of its own, becomes no copy; one that is
      not finished is followed by nobody (StoreMismatch).
    """

    async def origin(self) -> Origin | None:
        """What it is a copy of; None if it is none."""
        ...

    async def begin(self, store_id: str) -> None:
        """Become a copy of that store, or go on with it. Idempotent; raises StoreMismatch where it cannot be one."""
        ...

    async def take(self, batch: Import) -> Imported:
        """Take in a batch, whole; how much of it was new.

        Raises StoreMismatch outside of `begin` and `finish`, ImportRefused, DuplicateEventId for the id of an event
        that lies elsewhere, what `check_import` raises, StoreError.
        """
        ...

    async def finish(self) -> None:
        """The copy is whole: applications may use it."""
        ...

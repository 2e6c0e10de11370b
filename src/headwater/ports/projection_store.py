"""ProjectionStore: effects and checkpoints, committed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from headwater.models.changes import Change
from headwater.models.model import ReadModel
from headwater.ports.parking import ParkedEvent
from headwater.ports.place import Place

__all__ = ["ByEvent", "Checkpoint", "DecidedPage", "ProjectionCommit", "ProjectionStore", "Reset"]


class DecidedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page from a checkpoint on of which some rows may be written, and some may not: see `ByEvent`."""

    next: int
    """The checkpoint's offset once it is finished."""
    left_out: Sequence[int] = ()
    """Offsets of its events that were parked, or skipped; every other one was handled."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """How far a projection is at one place."""

    place: Place
    offset: int = 0
    """The next offset to read."""
    epoch: int = 0
    """Of the lease under which it was written last."""
    effects: int = 0
    """Side effects of events below this offset have run, or are not to run."""
    decided: DecidedPage | None = None
    """What is to be finished before anything else is committed."""

    @property
    def end(self) -> int:
        """The offset from which on no event has changed a row."""
        return self.offset if self.decided is None else self.decided.next


class ProjectionCommit(msgspec.Struct, frozen=True, kw_only=True):
    """One batch: changes, the checkpoint's move, and what was parked."""

    place: Place
    epoch: int
    """Of the lease the worker holds."""
    start: int
    """The checkpoint's offset as it must still be."""
    next: int
    """The checkpoint's offset afterwards."""
    changes: Sequence[Change] = ()
    """Of rows of the place's generation, whichever is served."""
    offsets: Sequence[int] = ()
    """Of the event that each of the changes is of, told to a store that is `ByEvent`; -1: of none."""
    left_out: Sequence[int] = ()
    """Offsets of events of the batch that were parked, or skipped, told to a store that is `ByEvent`."""
    finishes: bool = False
    """True for the page that the checkpoint has as decided, handled once more."""
    parked: Sequence[ParkedEvent] = ()
    unparked: Sequence[int] = ()
    """Offsets of parked events of this partition whose effect is in `changes`."""
    effects: int | None = None
    """What `Checkpoint.effects` becomes; None leaves it."""


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """A projection, or one partition of it, sent back to offset 0 in place, under the leases of what is reset."""

    projection: str
    generation: int
    epoch: int
    """What older epochs can no longer write under."""
    partition: int | None = None
    """None: all of them, and the tables of `models` are made anew, empty, whatever their classes were like before."""
    models: Sequence[type[ReadModel]] = ()
    changes: Sequence[Change] = ()
    """For one partition: what takes its rows away."""


class ProjectionStore(Protocol):
    """Checkpoints beside the read models.

    Law: a commit is atomic, and conditional: unless the checkpoint stands at `start`, no later epoch has written it,
    and its generation is known, nothing is changed and CheckpointConflict is raised. Offsets of one place never go
    back but by `reset`, which leaves `effects` as they are. A projection without generations has generation 0, served.
    """

    async def checkpoint(self, place: Place) -> Checkpoint:
        """How far it is; offset 0 if it never ran. Raises CheckpointConflict for a generation that is not known."""
        ...

    async def checkpoints(self, projection: str | None = None) -> Sequence[Checkpoint]:
        """Every checkpoint kept, by place."""
        ...

    async def commit(self, commit: ProjectionCommit) -> None:
        """Changes, parked events and checkpoint in one transaction. Raises CheckpointConflict, StoreError."""
        ...

    async def write(self, changes: Sequence[Change]) -> None:
        """Changes that no projection makes, in one transaction."""
        ...

    async def reset(self, reset: Reset) -> None:
        """In one transaction: empty what is reset, drop what it has parked, and set its checkpoints to 0 at the epoch.

        Raises StoreMismatch, and changes nothing, where a table is there that is no read model's.
        """
        ...


@runtime_checkable
class ByEvent(Protocol):
    """A projection store that has no transactions, and makes up for it by knowing which event each change is of.

    Law: changes are told in the order they were made, none merged, with the offsets of their events. A change of an
    event that is in its row already changes nothing.

    A commit that moves the checkpoint and has changes first decides its page, in one step: what it parks is parked,
    and what it leaves out is kept. Then rows are written, then the checkpoint moves. Whoever finds a page decided
    hands the same events over once more, but those left out, and commits them as what `finishes` it, parking nothing.
    Until then CheckpointConflict is raised by every other commit that would move or change anything.
    """

    @property
    def by_event(self) -> bool:
        """True."""
        ...

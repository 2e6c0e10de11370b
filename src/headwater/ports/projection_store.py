"""ProjectionStore: effects and checkpoints, committed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from headwater.models.changes import Change
from headwater.models.model import ReadModel
from headwater.ports.parking import ParkedEvent

__all__ = ["Checkpoint", "ProjectionCommit", "ProjectionStore"]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """How far a projection is in one partition."""

    projection: str
    partition: int
    offset: int = 0
    """The next offset to read."""
    epoch: int = 0
    """Of the lease under which it was written last."""


class ProjectionCommit(msgspec.Struct, frozen=True, kw_only=True):
    """One batch: changes, the checkpoint's move, and what was parked."""

    projection: str
    partition: int
    epoch: int
    """Of the lease the worker holds."""
    start: int
    """The checkpoint's offset as it must still be."""
    next: int
    """The checkpoint's offset afterwards."""
    changes: Sequence[Change] = ()
    parked: Sequence[ParkedEvent] = ()
    unparked: Sequence[int] = ()
    """Offsets of parked events of this partition whose effect is in `changes`."""


class ProjectionStore(Protocol):
    """Checkpoints beside the read models.

    Law: a commit is atomic, and conditional: unless the checkpoint stands at `start` and no later epoch has
    written it, nothing is changed and CheckpointConflict is raised. Offsets of one partition never go back but
    by `reset`.
    """

    async def checkpoint(self, projection: str, partition: int) -> Checkpoint:
        """Where the projection is; offset 0 if it never ran."""
        ...

    async def checkpoints(self) -> Sequence[Checkpoint]:
        """Every checkpoint kept, by projection and partition."""
        ...

    async def commit(self, commit: ProjectionCommit) -> None:
        """Changes, parked events and checkpoint in one transaction. Raises CheckpointConflict, StoreError."""
        ...

    async def write(self, changes: Sequence[Change]) -> None:
        """Changes that no projection makes, in one transaction."""
        ...

    async def reset(self, projection: str, models: Sequence[type[ReadModel]], epoch: int) -> None:
        """In one transaction: make the models' tables anew and empty, whatever their classes were like before, drop
        what is parked, and set every checkpoint to 0 at `epoch`. Raises StoreMismatch, and changes nothing, where a
        table is there that is no read model's.
        """
        ...

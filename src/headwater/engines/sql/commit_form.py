"""Projection commits: the form of one, and what is said where a checkpoint stands elsewhere."""

from __future__ import annotations

from headwater.domain.version import check_count
from headwater.errors import CheckpointConflict, InvalidVersion
from headwater.ports.place import Place
from headwater.ports.projection_store import Checkpoint, ProjectionCommit, Reset

__all__ = ["check_commit", "check_place", "check_reset", "conflict"]


def check_place(place: Place) -> None:
    """Raises InvalidVersion for a number that is none."""
    check_count(place.partition, "partition")
    check_count(place.generation, "generation")
    check_count(place.key_range, "key range")


def check_commit(commit: ProjectionCommit) -> None:
    """Raises InvalidVersion for a number that is none, or a checkpoint that goes back."""
    check_place(commit.place)
    check_count(commit.epoch, "epoch")
    check_count(commit.start, "start")
    if commit.effects is not None:
        check_count(commit.effects, "effects")
    if check_count(commit.next, "next") < commit.start:
        raise InvalidVersion(f"a checkpoint only moves on: next {commit.next} is below start {commit.start}")


def check_reset(reset: Reset) -> None:
    """Raises InvalidVersion for a number that is none."""
    check_count(reset.epoch, "epoch")
    check_count(reset.generation, "generation")
    if reset.partition is not None:
        check_count(reset.partition, "partition")


def conflict(kept: Checkpoint, commit: ProjectionCommit) -> CheckpointConflict:
    """The error of a commit that was made from another checkpoint than the one kept."""
    place = kept.place
    return CheckpointConflict(
        f"projection {place.projection!r}, partition {place.partition} is at offset {kept.offset} of epoch "
        f"{kept.epoch}, the commit was made from {commit.start} of epoch {commit.epoch}: read it again"
    )

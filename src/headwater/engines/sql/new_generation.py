"""New generations: what one that is begun is like, and when it may not be begun."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.domain.identifier import Identifier
from headwater.domain.version import check_count
from headwater.engines.sql.kept_generations import Kept
from headwater.errors import InvalidVersion, RebuildRefused
from headwater.models.model import schema_of
from headwater.ports.generations import Generation, NewGeneration, State

__all__ = ["check_version", "check_wanted", "is_wanted", "new_generation"]


def check_wanted(wanted: NewGeneration) -> None:
    """Raises InvalidIdentifier, InvalidVersion for what no generation can be."""
    Identifier(wanted.projection)  # it becomes part of the names of tables
    check_count(wanted.version, "version")
    if check_count(wanted.key_ranges, "key_ranges") == 0:
        raise InvalidVersion("a generation has 1 range of keys or more, got 0")


def check_version(present: Sequence[Kept | None], wanted: NewGeneration) -> None:
    """Raises RebuildRefused where a later version than the one wanted is there."""
    for kept in present:
        if kept is not None and wanted.version < kept.generation.version:
            version, state = kept.generation.version, kept.generation.state
            raise RebuildRefused(
                f"projection {wanted.projection!r} is at version {version} ({state}), version {wanted.version} is "
                f"older: deploy version {version} or a later one, or switch back to the generation served before"
            )


def is_wanted(building: Generation, wanted: NewGeneration) -> bool:
    """Whether it is what is asked for, so that its building only has to go on."""
    same = building.version, building.fingerprint, building.key_ranges
    return same == (wanted.version, wanted.fingerprint, wanted.key_ranges)


def new_generation(wanted: NewGeneration, number: int, state: State, now: int) -> Kept:
    """It, begun now; the models' tables are its own."""
    generation = Generation(
        projection=wanted.projection,
        number=number,
        version=wanted.version,
        fingerprint=wanted.fingerprint,
        key_ranges=wanted.key_ranges,
        state=state,
        began_at=now,
    )
    return Kept(generation, tuple([str(schema_of(model).table) for model in wanted.models]))

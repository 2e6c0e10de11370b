"""Kept generations: which ones a projection has, and how the names of the tables of each end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from headwater.errors import CheckpointConflict, UnknownName
from headwater.ports.generations import Generation, State

__all__ = ["GenerationRow", "Kept", "by_number", "in_state", "kept_of", "known_or_conflict", "known_or_unknown"]

GenerationRow: TypeAlias = tuple[str, int, int, str, int, State, int, str]
"""The fields of a generation, and the names of its tables as JSON."""

_names = msgspec.json.Decoder(list[str]).decode


class Kept(msgspec.Struct, frozen=True):
    """A generation, and the names its tables have when it is served."""

    generation: Generation
    tables: tuple[str, ...] = ()

    @property
    def beside(self) -> str:
        """How the names of its tables end: nothing for the one that is served."""
        each = self.generation
        return "" if each.state == "serving" else self.aside

    @property
    def aside(self) -> str:
        """How they end while it is not served; no model's name has such signs."""
        return f"@{self.generation.projection}@{self.generation.number}"

    @property
    def row(self) -> GenerationRow:
        """Its columns."""
        each = self.generation
        names = msgspec.json.encode(self.tables).decode()
        declared = each.version, each.fingerprint, each.key_ranges
        return (each.projection, each.number, *declared, each.state, each.began_at, names)

    def become(self, state: State, tables: tuple[str, ...]) -> Kept:
        """The same in another state, with these tables."""
        return Kept(msgspec.structs.replace(self.generation, state=state), tables)


def kept_of(row: GenerationRow) -> Kept:
    """The generation of its columns."""
    projection, number, version, fingerprint, key_ranges, state, began_at, tables = row
    generation = Generation(
        projection=projection,
        number=number,
        version=version,
        fingerprint=fingerprint,
        key_ranges=key_ranges,
        state=state,
        began_at=began_at,
    )
    return Kept(generation, tuple(_names(tables)))


def by_number(projection: str, rows: Iterable[GenerationRow]) -> Mapping[int, Kept]:
    """A projection's generations. One that never began any has number 0, and serves it."""
    known = {kept.generation.number: kept for kept in map(kept_of, rows)}
    return known or {0: Kept(Generation(projection=projection, number=0))}


def known_or_conflict(known: Mapping[int, Kept], projection: str, number: int) -> Kept:
    """One of them; raises CheckpointConflict where it is not known, or no longer."""
    kept = known.get(number)
    if kept is None:
        raise CheckpointConflict(
            f"projection {projection!r} has no generation {number} any more: go on with one of those it has"
        )
    return kept


def known_or_unknown(known: Mapping[int, Kept], projection: str, number: int) -> Kept:
    """One of them; raises UnknownName where it is not known, or no longer."""
    kept = known.get(number)
    if kept is None:
        raise UnknownName(f"projection {projection!r} has no generation {number}: see which it has")
    return kept


def in_state(known: Mapping[int, Kept], state: State) -> Kept | None:
    """The one there is in this state, if any."""
    return next((kept for kept in known.values() if kept.generation.state == state), None)

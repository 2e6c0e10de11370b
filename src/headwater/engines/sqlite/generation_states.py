"""Generation states: which generations a projection has, and where the rows of each lie."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias, cast

import apsw
import msgspec

from headwater.engines.sqlite.statements import Statements
from headwater.errors import CheckpointConflict, UnknownName
from headwater.ports.generations import Generation, State

__all__ = [
    "GenerationStates",
    "Kept",
    "Row",
    "begun",
    "generations_of",
    "in_state",
    "kept_of",
    "known_or_conflict",
    "known_or_unknown",
]

Row: TypeAlias = tuple[str, int, int, str, int, State, int, str]
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


def kept_of(row: Row) -> Kept:
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


def begun(connection: apsw.Connection, sql: Statements, projection: str) -> Mapping[int, Kept]:
    """A projection's generations by number."""
    rows = cast("list[Row]", connection.execute(sql["find_generations"], (projection,)).fetchall())
    return {kept.generation.number: kept for kept in map(kept_of, rows)}


def generations_of(connection: apsw.Connection, sql: Statements, projection: str) -> Mapping[int, Kept]:
    """By number. A projection that never began one has number 0, and serves it."""
    return begun(connection, sql, projection) or {0: Kept(Generation(projection=projection, number=0))}


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


class _Epoch(Protocol):
    @property
    def epoch(self) -> int: ...


class GenerationStates:
    """What the writer's thread knows of generations: read once, until the writer says that others may have moved them.

    A commit so learns where its rows lie without asking the store.
    """

    def __init__(self, sql: Statements, writer: _Epoch) -> None:
        self._sql = sql
        self._writer = writer
        self._epoch = -1
        self._known: dict[str, Mapping[int, Kept]] = {}

    def of(self, connection: apsw.Connection, projection: str) -> Mapping[int, Kept]:
        """A projection's generations by number, inside the writer's transaction."""
        if self._epoch != self._writer.epoch:
            self._known.clear()
            self._epoch = self._writer.epoch
        known = self._known.get(projection)
        if known is None:
            known = self._known[projection] = generations_of(connection, self._sql, projection)
        return known

    def find(self, connection: apsw.Connection, projection: str, number: int) -> Kept:
        """One generation; raises CheckpointConflict where it is not known, or no longer."""
        return known_or_conflict(self.of(connection, projection), projection, number)

    def forget(self, projection: str) -> None:
        """They are about to change in this very transaction."""
        self._known.pop(projection, None)

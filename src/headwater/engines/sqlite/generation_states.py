"""Generation states: which generations a projection has, and where the rows of each lie."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

import apsw

from headwater.engines.sql.kept_generations import GenerationRow, Kept, by_number, kept_of, known_or_conflict
from headwater.engines.sqlite.statements import Statements

__all__ = ["GenerationStates", "begun", "generations_of"]


def begun(connection: apsw.Connection, sql: Statements, projection: str) -> Mapping[int, Kept]:
    """A projection's generations by number."""
    return {kept.generation.number: kept for kept in map(kept_of, _rows(connection, sql, projection))}


def generations_of(connection: apsw.Connection, sql: Statements, projection: str) -> Mapping[int, Kept]:
    """By number. A projection that never began one has number 0, and serves it."""
    return by_number(projection, _rows(connection, sql, projection))


def _rows(connection: apsw.Connection, sql: Statements, projection: str) -> list[GenerationRow]:
    return cast("list[GenerationRow]", connection.execute(sql["find_generations"], (projection,)).fetchall())


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

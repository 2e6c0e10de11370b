"""Generations: rows that say which tables hold which filling of a projection's read models."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import apsw

from headwater.domain.version import check_count
from headwater.engines.sql.kept_generations import GenerationRow, Kept, in_state, kept_of
from headwater.engines.sql.new_generation import check_version, check_wanted, is_wanted, new_generation
from headwater.engines.sql.succession import Standing, carried, is_behind
from headwater.engines.sqlite.checkpoints import checkpoints_of, write_checkpoints
from headwater.engines.sqlite.generation_reads import GenerationRows
from headwater.engines.sqlite.generation_states import GenerationStates, begun
from headwater.engines.sqlite.generation_tables import drop_tables, existing, make_beside, rename_tables
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.row_counts import count_changes
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.writer import Writer
from headwater.errors import UnknownName
from headwater.models.model import ReadModel
from headwater.ports.clock import Clock
from headwater.ports.generations import Generation, NewGeneration, State
from headwater.ports.read_models import ReadModels

__all__ = ["SqliteGenerations"]


class SqliteGenerations:
    """Everything happens in the writer's transaction, so each projection's generations change all at once."""

    def __init__(
        self, sql: Statements, writer: Writer, readers: Readers, states: GenerationStates, clock: Clock
    ) -> None:
        self._sql = sql
        self._writer = writer
        self._readers = readers
        self._states = states
        self._now = clock.micros

    async def all(self, projection: str | None = None) -> Sequence[Generation]:
        return await self._readers.run(self._all, projection)

    async def begin(self, wanted: NewGeneration, beside: bool = True) -> Generation:
        check_wanted(wanted)
        return await self._writer.run_alone(self._begin, wanted, beside)

    async def swap(self, projection: str, number: int, was: State = "building", force: bool = False) -> bool:
        return await self._writer.run_alone(self._swap, projection, check_count(number, "generation"), was, force)

    async def drop(self, projection: str, number: int) -> bool:
        return await self._writer.run_alone(self._drop, projection, check_count(number, "generation"))

    def rows(self, projection: str, number: int, models: Sequence[type[ReadModel]]) -> ReadModels:
        return GenerationRows(self._sql, self._readers, projection, number, models)

    def _all(self, connection: apsw.Connection, projection: str | None) -> Sequence[Generation]:
        rows = connection.execute(self._sql["list_generations"], (projection,))
        return [kept_of(row).generation for row in cast("list[GenerationRow]", rows.fetchall())]

    # -- on the writer's thread --------------------------------------------------------------------------------

    def _changing(self, connection: apsw.Connection, projection: str) -> Mapping[int, Kept]:
        """A projection's generations, which nobody is to remember."""
        self._states.forget(projection)
        return begun(connection, self._sql, projection)

    def _begin(self, connection: apsw.Connection, wanted: NewGeneration, beside: bool) -> Generation:
        known = self._changing(connection, wanted.projection)
        served, building = in_state(known, "serving"), in_state(known, "building")
        if served is not None and not beside:
            return served.generation
        if building is not None and is_wanted(building.generation, wanted):
            return building.generation
        check_version([served, building], wanted)
        if building is not None:
            self._forget(connection, building)
        return self._add(connection, wanted, "serving" if served is None else "building").generation

    def _add(self, connection: apsw.Connection, wanted: NewGeneration, state: State) -> Kept:
        number = cast("int", connection.execute(self._sql["number_generation"], (wanted.projection,)).get)
        kept = new_generation(wanted, number, state, self._now())
        if state == "building":
            make_beside(connection, self._sql, wanted.models, kept.aside)
        self._write(connection, kept)
        return kept

    def _swap(self, connection: apsw.Connection, projection: str, number: int, was: State, force: bool) -> bool:
        known = self._changing(connection, projection)
        served, chosen = in_state(known, "serving"), known.get(number)
        if served is None or chosen is None or chosen.generation.state != was:
            raise UnknownName(
                f"projection {projection!r} has no generation {number} being built or served before: "
                "see which it has, or rebuild it first"
            )
        before, after = self._standing(connection, served), self._standing(connection, chosen)
        if was == "building" and not force and is_behind(after, before):
            return False
        previous = in_state(known, "previous")
        if previous is not None and previous is not chosen:
            self._forget(connection, previous)
        self._exchange(connection, served, chosen)
        write_checkpoints(connection, self._sql, carried(after, before))
        for each in (served.generation.number, number):
            connection.execute(self._sql["outdate_epochs"], (projection, each))
        return True

    def _drop(self, connection: apsw.Connection, projection: str, number: int) -> bool:
        kept = self._changing(connection, projection).get(number)
        if kept is None or kept.generation.state == "serving":
            return False
        self._forget(connection, kept)
        return True

    def _standing(self, connection: apsw.Connection, kept: Kept) -> Standing:
        each = kept.generation
        return Standing(each, checkpoints_of(connection, self._sql, each.projection, each.number))

    def _exchange(self, connection: apsw.Connection, served: Kept, chosen: Kept) -> None:
        """Tables and states change over. What stands under a name to be served goes with the one served so far."""
        there = existing(connection, self._sql, chosen.tables, "")
        leaving = tuple(dict.fromkeys((*served.tables, *there)))
        rename_tables(connection, self._sql, leaving, "", served.aside)
        rename_tables(connection, self._sql, chosen.tables, chosen.aside, "")
        self._write(connection, served.become("previous", leaving))
        self._write(connection, chosen.become("serving", chosen.tables))
        count_changes(connection, self._sql, {*leaving, *chosen.tables})

    def _write(self, connection: apsw.Connection, kept: Kept) -> None:
        connection.execute(self._sql["write_generation"], kept.row)

    def _forget(self, connection: apsw.Connection, kept: Kept) -> None:
        """Its tables, and all that is kept of it."""
        drop_tables(connection, self._sql, kept.tables, kept.aside)
        key = kept.generation.projection, kept.generation.number
        connection.execute(self._sql["discard_all_parked"], (*key, None))
        for statement in ("delete_checkpoints", "delete_troubles", "delete_generation"):
            connection.execute(self._sql[statement], key)

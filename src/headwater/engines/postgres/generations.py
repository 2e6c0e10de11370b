"""Generations: rows that say which tables hold which filling of a projection's read models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from headwater.domain.version import check_count
from headwater.engines.postgres.checkpoints import checkpoints_of, write_checkpoints
from headwater.engines.postgres.connection import Connection
from headwater.engines.postgres.generation_reads import GenerationRows
from headwater.engines.postgres.generation_states import begun_generations
from headwater.engines.postgres.generation_tables import drop_tables, existing, make_beside, rename_tables
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.projection_lock import begin_alone
from headwater.engines.postgres.row_counts import count_changes
from headwater.engines.postgres.statements import Statements
from headwater.engines.sql.kept_generations import GenerationRow, Kept, in_state, kept_of
from headwater.engines.sql.new_generation import check_version, check_wanted, is_wanted, new_generation
from headwater.engines.sql.succession import Standing, carried, is_behind
from headwater.errors import UnknownName
from headwater.models.model import ReadModel
from headwater.ports.clock import Clock
from headwater.ports.generations import Generation, NewGeneration, State
from headwater.ports.read_models import ReadModels

__all__ = ["PostgresGenerations"]

_BRIEFLY: Final = 1_000
"""Milliseconds for which a swap waits for those who read a table: everybody who comes later waits behind it."""


class PostgresGenerations:
    """Each deed is one transaction that has the projection's lock alone, so its generations change all at once."""

    def __init__(self, sql: Statements, pool: Pool, clock: Clock) -> None:
        self._sql = sql
        self._pool = pool
        self._now = clock.micros

    async def all(self, projection: str | None = None) -> Sequence[Generation]:
        rows = await self._pool.fetch(self._sql["list_generations"], projection)
        return [kept_of(row).generation for row in cast("list[GenerationRow]", rows)]

    async def begin(self, wanted: NewGeneration, beside: bool = True) -> Generation:
        check_wanted(wanted)
        return await self._pool.locked(begin_alone(self._sql, wanted.projection), self._begin, wanted, beside)

    async def swap(self, projection: str, number: int, was: State = "building", force: bool = False) -> bool:
        check_count(number, "generation")
        begin = begin_alone(self._sql, projection)
        return await self._pool.locked(begin, self._swap, projection, number, was, force)

    async def drop(self, projection: str, number: int) -> bool:
        check_count(number, "generation")
        return await self._pool.locked(begin_alone(self._sql, projection), self._drop, projection, number)

    def rows(self, projection: str, number: int, models: Sequence[type[ReadModel]]) -> ReadModels:
        return GenerationRows(self._sql, self._pool, projection, number, models)

    # -- with the lock -----------------------------------------------------------------------------------------

    async def _begin(self, connection: Connection, wanted: NewGeneration, beside: bool) -> Generation:
        known = await begun_generations(connection, self._sql, wanted.projection)
        served, building = in_state(known, "serving"), in_state(known, "building")
        if served is not None and not beside:
            return served.generation
        if building is not None and is_wanted(building.generation, wanted):
            return building.generation
        check_version([served, building], wanted)
        await self._alone_with_tables(connection)
        if building is not None:
            await self._forget(connection, building)
        return (await self._add(connection, wanted, "serving" if served is None else "building")).generation

    async def _add(self, connection: Connection, wanted: NewGeneration, state: State) -> Kept:
        number = cast("int", await connection.fetchval(self._sql["number_generation"], wanted.projection))
        kept = new_generation(wanted, number, state, self._now())
        if state == "building":
            await make_beside(connection, self._sql, wanted.models, kept.aside)
        await connection.execute(self._sql["write_generation"], *kept.row)
        return kept

    async def _swap(self, connection: Connection, projection: str, number: int, was: State, force: bool) -> bool:
        known = await begun_generations(connection, self._sql, projection)
        served, chosen = in_state(known, "serving"), known.get(number)
        if served is None or chosen is None or chosen.generation.state != was:
            raise UnknownName(
                f"projection {projection!r} has no generation {number} being built or served before: "
                "see which it has, or rebuild it first"
            )
        before, after = await self._standing(connection, served), await self._standing(connection, chosen)
        if was == "building" and not force and is_behind(after, before):
            return False
        await self._alone_with_tables(connection)
        previous = in_state(known, "previous")
        if previous is not None and previous is not chosen:
            await self._forget(connection, previous)
        await self._exchange(connection, served, chosen)
        await write_checkpoints(connection, self._sql, carried(after, before))
        for each in (served.generation.number, number):
            await connection.execute(self._sql["outdate_epochs"], projection, each)
        return True

    async def _drop(self, connection: Connection, projection: str, number: int) -> bool:
        kept = (await begun_generations(connection, self._sql, projection)).get(number)
        if kept is None or kept.generation.state == "serving":
            return False
        await self._alone_with_tables(connection)
        await self._forget(connection, kept)
        return True

    async def _alone_with_tables(self, connection: Connection) -> None:
        """Nobody else makes or alters tables of read models meanwhile."""
        await connection.fetchval(self._sql["lock_read_models"], self._sql.schema)

    async def _standing(self, connection: Connection, kept: Kept) -> Standing:
        each = kept.generation
        return Standing(each, await checkpoints_of(connection, self._sql, each.projection, each.number))

    async def _exchange(self, connection: Connection, served: Kept, chosen: Kept) -> None:
        """Tables and states change over. What stands under a name to be served goes with the one served so far."""
        await connection.fetchval(self._sql["wait_briefly"], _BRIEFLY)
        there = await existing(connection, self._sql, chosen.tables, "")
        leaving = tuple(dict.fromkeys((*served.tables, *there)))
        await rename_tables(connection, self._sql, leaving, "", served.aside)
        await rename_tables(connection, self._sql, chosen.tables, chosen.aside, "")
        for kept in (served.become("previous", leaving), chosen.become("serving", chosen.tables)):
            await connection.execute(self._sql["write_generation"], *kept.row)
        await count_changes(connection, self._sql, {*leaving, *chosen.tables})

    async def _forget(self, connection: Connection, kept: Kept) -> None:
        """Its tables, and all that is kept of it."""
        await drop_tables(connection, self._sql, kept.tables, kept.aside)
        key = kept.generation.projection, kept.generation.number
        await connection.execute(self._sql["discard_all_parked"], *key, None)
        for statement in ("delete_checkpoints", "delete_troubles", "delete_generation"):
            await connection.execute(self._sql[statement], *key)

"""Imports: a batch is one transaction under the locks of its partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, cast

from asyncpg.pgproto.pgproto import UUID

from headwater.domain.append import CommandRecord
from headwater.domain.event import StoredEvent
from headwater.domain.importing import Import, Imported, Run, check_import, check_same, new_records, still_to_come
from headwater.engines.postgres.append_locks import AppendLocks
from headwater.engines.postgres.append_plan import Plan, Standing
from headwater.engines.postgres.append_transaction import event_columns
from headwater.engines.postgres.bonds import KeptBonds
from headwater.engines.postgres.boundaries import write_tags
from headwater.engines.postgres.connection import Connection, changed
from headwater.engines.postgres.errors import is_unique_violation
from headwater.engines.postgres.import_plan import planned_import
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.stored import stored_events
from headwater.engines.sql.command_rows import CommandRow, command_row, record_of
from headwater.errors import DuplicateEventId, StoreError
from headwater.limits import Limits
from headwater.ports.imports import Origin

__all__ = ["PostgresImports"]

_StreamRow: TypeAlias = tuple[str, str | None, int, int, int]
"""Name, partition key, version, last timestamp, chain."""


class PostgresImports:
    def __init__(
        self,
        sql: Statements,
        pool: Pool,
        locks: AppendLocks,
        bonds: KeptBonds,
        limits: Limits,
        partition_of: Callable[[str], int],
    ) -> None:
        self._sql = sql
        self._pool = pool
        self._locks = locks
        self._bonds = bonds
        self._limits = limits
        self._partition_of = partition_of

    async def origin(self) -> Origin | None:
        bonds = await self._bonds.look()
        return None if bonds.copy_of is None else Origin(bonds.copy_of, not bonds.copying)

    async def begin(self, store_id: str) -> None:
        await self._bonds.begin_copy(store_id)

    async def take(self, batch: Import) -> Imported:
        runs = check_import(batch, self._limits)
        partitions = {self._partition_of(run.partition_key or run.stream) for run in runs.values()} or {0}
        try:
            return await self._pool.locked(self._locks.begin(partitions), self._take, batch, runs)
        except StoreError as error:
            if is_unique_violation(error.__cause__ or error):
                taken = await self._taken(batch)
                raise DuplicateEventId(taken) from error
            raise

    async def finish(self) -> None:
        await self._bonds.finish_copy()

    async def _taken(self, batch: Import) -> str:
        """One of the batch's event ids that the log holds already, elsewhere."""
        ids = [UUID(event.event_id) for event in batch.events]
        places = {event.event_id: (event.stream, event.version) for event in batch.events}
        for row in await self._pool.fetch(self._sql["find_event_ids"], ids):
            id = cast("UUID", row[0]).bytes
            if await self._pool.value(self._sql["find_event"], *places[id]) != row[0]:
                return str(id.hex())
        return "of one of the events"

    # -- in the transaction ------------------------------------------------------

    async def _take(self, connection: Connection, batch: Import, runs: Mapping[str, Run]) -> Imported:
        (await self._bonds.read(connection)).check_copying()
        there = await self._standings(connection, runs)
        new = await self._new(connection, batch, runs, there) if runs else []
        plan = planned_import(new, batch, there, self._partition_of)
        await self._write(connection, plan)
        records = new_records(batch, await self._records(connection, batch))
        if records:
            columns = zip(*[command_row(each, each.writes, each.timestamp) for each in records], strict=True)
            await connection.fetch(self._sql["record_commands"], *map(list, columns))
        return Imported(len(new), len(records), await self._move_keys(connection, batch))

    async def _standings(self, connection: Connection, runs: Mapping[str, Run]) -> dict[str, Standing]:
        rows = await connection.fetch(self._sql["look_at_streams"], list(runs)) if runs else ()
        return {
            name: Standing(key, version, timestamp, chain)
            for name, key, version, timestamp, chain in cast("Sequence[_StreamRow]", rows)
        }

    async def _new(
        self, connection: Connection, batch: Import, runs: Mapping[str, Run], there: Mapping[str, Standing]
    ) -> list[StoredEvent]:
        """What of a batch is not there, in its order; what is there must be the same."""
        ids: set[bytes] = set()
        known: list[StoredEvent] = []
        for name, run in runs.items():
            standing = there.get(name) or Standing(run.partition_key, 0, -1, 0)
            new = still_to_come(run, standing.partition_key, standing.version, standing.last_timestamp)
            ids.update([event.event_id for event in new])
            known += run.events[: len(run.events) - len(new)]
        if known:
            await self._check(connection, known, batch)
        return [event for event in batch.events if event.event_id in ids]

    async def _check(self, connection: Connection, known: Sequence[StoredEvent], batch: Import) -> None:
        columns = [event.stream for event in known], [event.version for event in known]
        found = stored_events(await connection.fetch(self._sql["find_versions"], *columns))
        there = {(event.stream, event.version): event for event in found}
        tags = await self._tags(connection, found)
        for given in known:
            event = there[given.stream, given.version]
            check_same(event, tags.get((event.partition, event.offset), ()), given, batch)

    async def _tags(
        self, connection: Connection, events: Sequence[StoredEvent]
    ) -> dict[tuple[int, int], tuple[str, ...]]:
        columns = [event.partition for event in events], [event.offset for event in events]
        found: dict[tuple[int, int], tuple[str, ...]] = {}
        rows = await connection.fetch(self._sql["find_tags"], *columns)
        for partition, offset, tag in cast("Iterable[tuple[int, int, str]]", rows):
            found[partition, offset] = (*found.get((partition, offset), ()), tag)
        return found

    async def _write(self, connection: Connection, plan: Plan) -> None:
        if not plan.events:
            return
        rows = await connection.fetch(self._sql["write_events"], *event_columns(plan))
        plan.firsts = dict(cast("list[tuple[int, int]]", rows))
        if plan.tags:
            await write_tags(connection, self._sql, plan)

    async def _records(self, connection: Connection, batch: Import) -> dict[str, CommandRecord]:
        ids = [record.id for record in batch.commands]
        rows = await connection.fetch(self._sql["look_at_commands"], ids) if ids else ()
        return {record.id: record for record in map(record_of, cast("Sequence[CommandRow]", rows))}

    async def _move_keys(self, connection: Connection, batch: Import) -> int:
        """Those that nobody holds any more, then those that change hands; how many in all."""
        dropped = sorted(key for key, stream in batch.keys.items() if stream is None)
        given = sorted((key, stream) for key, stream in batch.keys.items() if stream is not None)
        moved = 0
        if dropped:
            columns = [key.scope for key in dropped], [key.value for key in dropped]
            moved += changed(await connection.execute(self._sql["drop_keys"], *columns))
        if given:
            scopes, values = [key.scope for key, _ in given], [key.value for key, _ in given]
            streams = [stream for _, stream in given]
            moved += changed(await connection.execute(self._sql["give_keys"], scopes, values, streams))
        return moved

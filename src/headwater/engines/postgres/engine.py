"""PostgresEngine: a store in one schema of a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from headwater.engines.postgres.admin import PostgresAdmin
from headwater.engines.postgres.append_locks import AppendLocks
from headwater.engines.postgres.bonds import KeptBonds
from headwater.engines.postgres.command_log import PostgresCommandLog
from headwater.engines.postgres.conditions import PostgresConditions
from headwater.engines.postgres.event_store import PostgresEventStore
from headwater.engines.postgres.exports import export
from headwater.engines.postgres.generations import PostgresGenerations
from headwater.engines.postgres.imports import PostgresImports
from headwater.engines.postgres.journal import PostgresJournal
from headwater.engines.postgres.leases import PostgresLeases
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.log import PostgresLog
from headwater.engines.postgres.migrations import open_store
from headwater.engines.postgres.parking import PostgresParking
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.projection_store import PostgresProjectionStore
from headwater.engines.postgres.read_model_schema import PostgresReadModelSchema
from headwater.engines.postgres.read_models import PostgresReadModels
from headwater.engines.postgres.snapshots import PostgresSnapshots
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.unique_keys import PostgresUniqueKeys
from headwater.engines.postgres.wakeups import PostgresWakeups
from headwater.engines.sql.places import Places
from headwater.models.model import ReadModel
from headwater.ports.admin import Admin
from headwater.ports.command_log import CommandLog
from headwater.ports.conditions import Conditions
from headwater.ports.engine import EngineOptions, Identity
from headwater.ports.event_store import EventStore
from headwater.ports.exports import Exported
from headwater.ports.generations import Generations
from headwater.ports.imports import Imports
from headwater.ports.journal import Journal
from headwater.ports.leases import Leases
from headwater.ports.log import Log
from headwater.ports.parking import Parking
from headwater.ports.projection_store import ProjectionStore
from headwater.ports.read_model_schema import ReadModelSchema
from headwater.ports.read_models import ReadModels
from headwater.ports.snapshots import Snapshots
from headwater.ports.unique_keys import UniqueKeys
from headwater.ports.wakeups import Wakeups

__all__ = ["PostgresEngine"]


class PostgresEngine:
    """Every port but the event bus on one schema. Any number of processes, on any number of machines, may share it."""

    def __init__(self, location: Location, options: EngineOptions | None = None) -> None:
        self.location = location
        self._options = options = options or EngineOptions()
        self._sql = sql = Statements(location.schema, options.event_store, options.command_store)
        self._pool = pool = Pool(location, options.limits.queued_writes)
        self._places = places = Places()
        self._opening = asyncio.Lock()
        self._closing: asyncio.Task[None] | None = None
        self._identity: Identity | None = None
        self._wakeups = wakeups = PostgresWakeups(sql, pool, location)
        pool.committed = wakeups.committed
        self._log = log = PostgresLog(sql, pool, places)
        clock = options.clock
        self._events = events = PostgresEventStore(sql, pool, location, options.limits, clock, log, places)
        self._bonds = bonds = KeptBonds(sql, pool)
        locks = AppendLocks(location.schema, sql.events)
        self.name = "postgres"
        self.events: EventStore = events
        self.unique_keys: UniqueKeys = PostgresUniqueKeys(sql, pool)
        self.log: Log = log
        self.projections: ProjectionStore = PostgresProjectionStore(sql, pool)
        self.generations: Generations = PostgresGenerations(sql, pool, clock)
        self.conditions: Conditions = PostgresConditions(sql, pool)
        self.parking: Parking = PostgresParking(sql, pool)
        self.read_models: ReadModels = PostgresReadModels(sql, pool)
        self.read_model_schema: ReadModelSchema = PostgresReadModelSchema(sql, pool)
        self.snapshots: Snapshots = PostgresSnapshots(sql, pool)
        self.commands: CommandLog = PostgresCommandLog(sql, pool, clock)
        self.imports: Imports = PostgresImports(sql, pool, locks, bonds, options.limits, log.partition_of)
        self.leases: Leases = PostgresLeases(sql, pool, clock)
        self.journal: Journal = PostgresJournal(sql, pool)
        self.wakeups: Wakeups = wakeups
        self.admin: Admin = PostgresAdmin(sql, pool, location)

    async def open(self) -> Identity:
        """Connect, and make the store where there is none; a second call gives the same answer."""
        async with self._opening:
            if self._identity is None:
                self._identity = await self._open()
            return self._identity

    async def follow(self, store_id: str) -> None:
        await self._bonds.follow(store_id)

    async def close(self) -> None:
        """Finish what is under way and disconnect; that comes to its end though whoever waits for it is cancelled."""
        self._closing = asyncio.create_task(self._close(), name="headwater-closing")
        await asyncio.shield(self._closing)

    def export(
        self, projection: str, number: int, models: Sequence[type[ReadModel]], page: int = 1_000
    ) -> AsyncIterator[Exported]:
        """A generation's checkpoints and rows as of one moment; see Exports."""
        return export(self._pool, self._sql, projection, number, models, page)

    async def _open(self) -> Identity:
        await self._pool.open()
        try:
            identity, partitions = await open_store(self._pool, self._sql, self.location, self._options)
            self._log.learn(partitions)
            self._events.start()
            await self._wakeups.start(identity.store_id)
        except BaseException:
            await self._stop()
            raise
        return identity

    async def _close(self) -> None:
        async with self._opening:
            self._identity = None
            await self._stop()
            self._places.clear()

    async def _stop(self) -> None:
        await self._events.stop()
        await self._wakeups.stop()
        await self._pool.close()

"""CassandraEngine: a store in one keyspace of a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headwater.domain.append import Written
from headwater.engines.cassandra.admin import CassandraAdmin
from headwater.engines.cassandra.appending.appender import Appender
from headwater.engines.cassandra.appending.pending import Pending
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.appending.sequencers import Sequencers
from headwater.engines.cassandra.bonds import KeptBonds
from headwater.engines.cassandra.command_log import CassandraCommandLog
from headwater.engines.cassandra.copying.copied_records import CopiedRecords
from headwater.engines.cassandra.copying.copy_leases import CopyLeases
from headwater.engines.cassandra.event_store import CassandraEventStore
from headwater.engines.cassandra.imports import CassandraImports
from headwater.engines.cassandra.leases import CassandraLeases
from headwater.engines.cassandra.location import Location
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.log_times import LogTimes
from headwater.engines.cassandra.migrations import open_store
from headwater.engines.cassandra.protocol.rows import Hint, Logged
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.read_side import ReadSide
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.snapshots import CassandraSnapshots
from headwater.engines.cassandra.statements import Statements
from headwater.engines.cassandra.stream_counts import StreamCounts
from headwater.engines.cassandra.unique_keys import CassandraUniqueKeys
from headwater.engines.cassandra.verification import Verification
from headwater.engines.sql.places import Places
from headwater.ports.admin import Admin
from headwater.ports.command_log import CommandLog
from headwater.ports.conditions import Conditions
from headwater.ports.engine import EngineOptions, Identity
from headwater.ports.event_store import EventStore
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

__all__ = ["CassandraEngine"]


class CassandraEngine:
    """Any number of processes, on any number of machines, may share a keyspace."""

    name = "cassandra"
    _closing: asyncio.Task[None] | None = None

    def __init__(self, location: Location, options: EngineOptions | None = None) -> None:
        self.location = location
        self._options = options = options or EngineOptions()
        self._cql = cql = Statements(location.keyspace, options.event_store, options.command_store)
        self._session = session = Session(location, cql)
        self._performer = performer = Performer(session)
        self._places = places = Places()
        self._opening = asyncio.Lock()
        self._identity: Identity | None = None
        self._shape = Shape()
        self._unlogged = unlogged = Pending(performer)
        self._unsettled = unsettled = Pending(performer)
        self._sequencers = sequencers = Sequencers(performer, self._logged, self._settled)
        clock, patience = options.clock, location.deadline
        times = LogTimes(session)
        self._log = log = CassandraLog(session, times, unlogged, unsettled, places, patience)
        self._read_side = side = ReadSide(session, location.keyspace, log, times, clock)
        self._bonds = bonds = KeptBonds(session, log, side.places)
        records = CopiedRecords(session, performer, bonds)
        appender = Appender(performer, records, sequencers.under_way, clock, location.deadline, self._committed)
        counts = StreamCounts(session, log, unsettled, patience)
        self._events = events = CassandraEventStore(session, appender, log, counts, options.limits)
        self._commands = commands = CassandraCommandLog(session, log, unsettled, clock, patience)
        self._copy_leases = leases = CopyLeases(performer, sequencers.stop, self._stand_by, patience)
        told = self._logged, self._settled
        self._imports = imports = CassandraImports(
            session, performer, bonds, leases, log, events, commands, records, options.limits, told, patience
        )
        self._admin = admin = CassandraAdmin(
            session, performer, location, bonds, log, counts, self._verification, self._sequencers, options.event_store
        )
        self.events: EventStore = events
        self.admin: Admin = admin
        self.unique_keys: UniqueKeys = CassandraUniqueKeys(session, performer)
        self.log: Log = log
        self.snapshots: Snapshots = CassandraSnapshots(session)
        self.commands: CommandLog = commands
        self.imports: Imports = imports
        self.leases: Leases = CassandraLeases(session, performer, clock)
        self._read_by(side)

    def _read_by(self, side: ReadSide) -> None:
        self.projections: ProjectionStore = side.projections
        self.generations: Generations = side.generations
        self.conditions: Conditions = side.conditions
        self.parking: Parking = side.parking
        self.journal: Journal = side.journal
        self.read_models: ReadModels = side.read_models
        self.read_model_schema: ReadModelSchema = side.read_model_schema
        self.wakeups: Wakeups = side.wakeups
        self._wakeups = side.wakeups

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

    async def _open(self) -> Identity:
        try:
            opened = await open_store(self._session, self._cql, self.location, self._options)
        except BaseException:
            await self._session.close()
            raise
        self._log.learn(opened.partitions, opened.shape)
        self._events.start(opened.shape)
        self._commands.start(opened.shape)
        self._imports.start(opened.shape)
        self._admin.start(opened.shape)
        await self._bonds.look()
        self._read_side.start(opened.shape)
        self._shape = opened.shape
        self._stand_by()
        return opened.identity

    def _verification(self) -> Verification:
        return Verification(
            self._session, self._log, self._events, self.unique_keys, self._shape, self.location.deadline
        )

    def _stand_by(self) -> None:
        """Have the log grow, wherever nobody else does."""
        if self.location.sequencers:
            self._sequencers.start(self._log.partitions, self._shape)

    async def _close(self) -> None:
        async with self._opening:
            if self._identity is not None and not self._copy_leases.are_held:
                await self._unsettled.wait_for_all(self.location.deadline)
            self._identity = None
            await self._sequencers.stop()
            await self._wakeups.stop()
            await self._session.close()
            self._places.clear()

    # -- what appends and the sequencers tell --------------------------------------

    def _committed(self, hint: Hint) -> None:
        intent = hint.intent
        chunk = intent.stream, intent.chunk
        for pending in (self._unlogged, self._unsettled):
            pending.add(intent.part, chunk, intent.last_version)
        self._sequencers.hint(hint)
        self._wakeups.moved()

    def _logged(self, part: int, rows: Sequence[Logged]) -> None:
        if not rows:
            return
        written = [Written(row.stream, row.version, row.version) for row in rows]
        self._places.remember(written, [(part, row.offset) for row in rows])
        self._log.saw(part, rows[-1].offset)
        self._unlogged.came(part, rows)
        self._wakeups.moved(others=True)

    def _settled(self, part: int, rows: Sequence[Logged]) -> None:
        self._unsettled.came(part, rows)

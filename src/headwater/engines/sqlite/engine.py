"""SqliteEngine: a store in one file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import apsw

from headwater.engines.sql.places import Places
from headwater.engines.sqlite.admin import SqliteAdmin
from headwater.engines.sqlite.backup import back_up
from headwater.engines.sqlite.bonds import KeptBonds
from headwater.engines.sqlite.command_log import SqliteCommandLog
from headwater.engines.sqlite.conditions import SqliteConditions
from headwater.engines.sqlite.connection import connect_reader, connect_writer, create_file
from headwater.engines.sqlite.errors import translated
from headwater.engines.sqlite.event_store import SqliteEventStore
from headwater.engines.sqlite.exports import export
from headwater.engines.sqlite.generation_states import GenerationStates
from headwater.engines.sqlite.generations import SqliteGenerations
from headwater.engines.sqlite.imports import SqliteImports
from headwater.engines.sqlite.journal import SqliteJournal
from headwater.engines.sqlite.leases import SqliteLeases
from headwater.engines.sqlite.location import Location
from headwater.engines.sqlite.log import SqliteLog
from headwater.engines.sqlite.migrations import open_store
from headwater.engines.sqlite.open_files import OpenFiles
from headwater.engines.sqlite.parking import SqliteParking
from headwater.engines.sqlite.projection_store import SqliteProjectionStore
from headwater.engines.sqlite.read_model_schema import SqliteReadModelSchema
from headwater.engines.sqlite.read_models import SqliteReadModels
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.snapshots import SqliteSnapshots
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.unique_keys import SqliteUniqueKeys
from headwater.engines.sqlite.wakeups import SqliteWakeups
from headwater.engines.sqlite.writer import Writer
from headwater.errors import StoreUnavailable
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

__all__ = ["SqliteEngine"]


class SqliteEngine:
    """Every port on one file: a thread that writes, a few that read. Any number of processes may share the file."""

    def __init__(self, location: Location, options: EngineOptions | None = None) -> None:
        self.location = location
        self._options = options = options or EngineOptions()
        self._sql = sql = Statements(options.event_store, options.command_store)
        self._readers = readers = Readers(options.limits.queued_writes)
        self._wakeups = wakeups = SqliteWakeups(sql, readers)
        self._writer = writer = Writer(options.limits.queued_writes, wakeups)
        wakeups.look = writer.look
        self._files = files = OpenFiles(location.path)
        self._places = places = Places()
        self._opening = asyncio.Lock()
        self._closing: asyncio.Task[None] | None = None
        self._identity: Identity | None = None
        self.name = "sqlite"
        states, clock = GenerationStates(sql, writer), options.clock
        self._bonds = bonds = KeptBonds(sql, writer, readers)
        self.events: EventStore = SqliteEventStore(sql, writer, readers, options.limits, clock, places, states)
        self.unique_keys: UniqueKeys = SqliteUniqueKeys(sql, readers)
        self.log: Log = SqliteLog(sql, readers, places)
        self.projections: ProjectionStore = SqliteProjectionStore(sql, writer, readers, states)
        self.generations: Generations = SqliteGenerations(sql, writer, readers, states, clock)
        self.conditions: Conditions = SqliteConditions(sql, writer, readers)
        self.parking: Parking = SqliteParking(sql, writer, readers)
        self.read_models: ReadModels = SqliteReadModels(readers)
        self.read_model_schema: ReadModelSchema = SqliteReadModelSchema(sql, writer)
        self.snapshots: Snapshots = SqliteSnapshots(sql, writer, readers)
        self.commands: CommandLog = SqliteCommandLog(sql, writer, readers, clock)
        self.imports: Imports = SqliteImports(sql, writer, bonds, options.limits)
        self.leases: Leases = SqliteLeases(sql, writer, readers, clock)
        self.journal: Journal = SqliteJournal(sql, writer, readers)
        self.wakeups: Wakeups = wakeups
        self.admin: Admin = SqliteAdmin(sql, readers, location, files)

    async def open(self) -> Identity:
        """Create or open the file; a second call gives the same answer."""
        async with self._opening:
            if self._identity is None:
                self._identity = await asyncio.to_thread(self._open)
            return self._identity

    async def follow(self, store_id: str) -> None:
        await self._bonds.follow(store_id)

    async def close(self) -> None:
        """Finish what is queued, end the threads, close the file.

        It comes to its end though whoever waits for it is cancelled.
        """
        self._closing = asyncio.create_task(self._end(), name="headwater-closing")
        await asyncio.shield(self._closing)

    def backup(self, target: Path) -> AsyncIterator[tuple[int, int]]:
        """Copy the store as it is now into a file that must not exist; yields (pages done, pages in all)."""
        return back_up(self.location, target)

    def export(
        self, projection: str, number: int, models: Sequence[type[ReadModel]], page: int = 1_000
    ) -> AsyncIterator[Exported]:
        """A generation's checkpoints and rows as of one moment; see Exports."""
        return export(self.location, self._sql, projection, number, models, page)

    def _open(self) -> Identity:
        if not self._options.create and not self.location.path.is_file():
            raise StoreUnavailable(f"there is no store {str(self.location.path)!r}: check the URL")
        create_file(self.location.path)
        writing = connect_writer(self.location)
        try:
            identity = open_store(writing, self._sql, self._options)
            reading = [connect_reader(self.location) for _ in range(self.location.readers)]
        except BaseException as error:
            writing.close()
            if isinstance(error, apsw.Error):
                raise translated(error) from error
            raise
        self._files.remember()
        self._writer.start(writing, self._files.check)
        self._readers.start(reading)
        return identity

    async def _end(self) -> None:
        async with self._opening:
            self._identity = None
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._places.clear()
        self._readers.close()
        self._writer.close()
        self._wakeups.committed()  # nobody waits for a commit that cannot come

"""ReadSide: the projections' part of an engine, and the read models they write, wired."""

from __future__ import annotations

from headwater.engines.cassandra.clearing import Clearing
from headwater.engines.cassandra.conditions import CassandraConditions
from headwater.engines.cassandra.generations import CassandraGenerations
from headwater.engines.cassandra.journal import CassandraJournal
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.log_times import LogTimes
from headwater.engines.cassandra.parking import CassandraParking
from headwater.engines.cassandra.projection_store import CassandraProjectionStore
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.read_model_schema import CassandraReadModelSchema
from headwater.engines.cassandra.read_models import CassandraReadModels
from headwater.engines.cassandra.rows.catalogue import Catalogue
from headwater.engines.cassandra.rows.read_model_tables import ReadModelTables
from headwater.engines.cassandra.rows.row_counts import RowCounts
from headwater.engines.cassandra.rows.rows import Rows
from headwater.engines.cassandra.rows.served_tables import ServedTables
from headwater.engines.cassandra.rows.writing import Writing
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.generation_table import GenerationTable
from headwater.engines.cassandra.tables.place_table import PlaceTable
from headwater.engines.cassandra.wakeups import CassandraWakeups
from headwater.ports.clock import Clock

__all__ = ["ReadSide"]


class ReadSide:
    def __init__(self, session: Session, keyspace: str, log: CassandraLog, times: LogTimes, clock: Clock) -> None:
        """`keyspace` is its name, without quotation marks."""
        places, generations, counts = PlaceTable(session), GenerationTable(session), RowCounts(session)
        self.times = times
        self._served = served = ServedTables(generations)
        self.wakeups = wakeups = CassandraWakeups(session, generations, counts)
        committed = wakeups.committed
        catalogue = Catalogue(session)
        tables = ReadModelTables(session, keyspace, catalogue)
        rows = Rows(session, tables, catalogue, served.number, clock, served.forget)
        self.conditions = conditions = CassandraConditions(session, committed)
        clearing = Clearing(generations, places, conditions, rows, counts)
        writing = Writing(rows, counts, times)
        self.places = places
        self.parking = CassandraParking(session, places, committed)
        self.journal = CassandraJournal(session, clock, committed)
        self.read_models = CassandraReadModels(session, catalogue, served.number, served.forget)
        self.read_model_schema = CassandraReadModelSchema(session, tables, catalogue, served.number)
        self.projections = CassandraProjectionStore(
            session, log, places, generations, served, rows, writing, counts, clearing, committed
        )
        self.generations = CassandraGenerations(
            session,
            places,
            generations,
            served,
            rows,
            clearing,
            lambda number: CassandraReadModels(session, catalogue, number),
            clock,
            committed,
        )

    def start(self, shape: Shape) -> None:
        """Look at a store of this shape, which may be another one than before."""
        self.times.start(shape)
        self._served.forget()
        self.wakeups.start()

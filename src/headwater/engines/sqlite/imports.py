"""Imports: a batch is one job on the writer."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, cast

import apsw

from headwater.domain.append import CommandRecord
from headwater.domain.event import StoredEvent
from headwater.domain.importing import Import, Imported, Run, check_import, check_same, new_records, still_to_come
from headwater.engines.sql.checksum import checksum, link, seal
from headwater.engines.sql.command_rows import CommandRow, command_row, record_of
from headwater.engines.sqlite.bonds import KeptBonds
from headwater.engines.sqlite.boundaries import Boundaries
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.stored import EventPage, stored_events
from headwater.engines.sqlite.writer import Writer
from headwater.errors import DuplicateEventId, StoreCorrupt
from headwater.limits import Limits
from headwater.ports.imports import Origin

__all__ = ["SqliteImports"]

_EventRow: TypeAlias = tuple[int | str | bytes | None, ...]


class _Stream:
    """A stream that grows: its row, before and after."""

    __slots__ = ("chain", "id", "key", "last_timestamp", "name", "version", "was")

    def __init__(self, run: Run, row: tuple[int, str | None, int, int, int] | None) -> None:
        self.name = run.stream
        self.id, self.key, self.version, self.last_timestamp, self.chain = row or (0, run.partition_key, 0, -1, 0)
        self.was = self.version

    def row(self, event: StoredEvent, offset: int) -> _EventRow:
        """The row of its next event, which it then stands at."""
        version, timestamp, id, type, schema = event.version, event.timestamp, event.event_id, event.type, event.schema
        self.version, self.last_timestamp, self.chain = version, timestamp, link(event.data, self.chain)
        own = seal(version, timestamp, id, type, schema, event.topic, event.context, event.data)
        sum = checksum(own, self.chain)
        return offset, self.id, version, id, timestamp, type, schema, event.data, event.context, event.topic, sum


class SqliteImports:
    def __init__(self, sql: Statements, writer: Writer, bonds: KeptBonds, limits: Limits) -> None:
        self._sql = sql
        self._writer = writer
        self._bonds = bonds
        self._limits = limits
        self._boundaries = Boundaries(sql)

    async def origin(self) -> Origin | None:
        bonds = await self._bonds.look()
        return None if bonds.copy_of is None else Origin(bonds.copy_of, not bonds.copying)

    async def begin(self, store_id: str) -> None:
        await self._bonds.begin_copy(store_id)

    async def take(self, batch: Import) -> Imported:
        runs = check_import(batch, self._limits)
        return await self._writer.run_alone(self._take, batch, runs)

    async def finish(self) -> None:
        await self._bonds.finish_copy()

    # -- on the writer's thread ----------------------------------------------------------------------------------

    def _take(self, connection: apsw.Connection, batch: Import, runs: Mapping[str, Run]) -> Imported:
        self._bonds.read(connection).check_copying()
        new = [event for run in runs.values() for event in self._new(connection, run, batch)]
        ids = {event.event_id for event in new}
        if new:
            self._write(connection, [event for event in batch.events if event.event_id in ids], runs, batch)
            self._writer.epoch += 1  # where the log ends is not what appends remember
        records = new_records(batch, self._there(connection, batch))
        for record in records:
            row = command_row(record, record.writes, record.timestamp)
            connection.execute(self._sql["insert_command"], row)
        return Imported(len(new), len(records), self._move_keys(connection, batch))

    def _stream(self, connection: apsw.Connection, run: Run) -> _Stream:
        row = connection.execute(self._sql["read_stream"], (run.stream,)).get
        return _Stream(run, cast("tuple[int, str | None, int, int, int] | None", row))

    def _new(self, connection: apsw.Connection, run: Run, batch: Import) -> Sequence[StoredEvent]:
        """What of a run is not there; what is there must be the same."""
        stream = self._stream(connection, run)
        new = still_to_come(run, stream.key, stream.version, stream.last_timestamp)
        known = run.events[: len(run.events) - len(new)]
        if known:
            bindings = run.stream, known[0].version - 1, known[-1].version, len(known)
            page = cast("EventPage", connection.execute(self._sql["load_stream"], bindings).get)
            for there, given in zip(stored_events(page), known, strict=True):
                tags = self._boundaries.tags(connection, there.offset, there.offset + 1)
                check_same(there, tags.get(there.offset, ()), given, batch)
        return new

    def _write(
        self, connection: apsw.Connection, events: Sequence[StoredEvent], runs: Mapping[str, Run], batch: Import
    ) -> None:
        """Events behind the end of the log, then where their streams stand after them."""
        offset, next_stream = cast("tuple[int, int]", connection.execute(self._sql["read_ends"]).get)
        streams: dict[str, _Stream] = {}
        rows: list[_EventRow] = []
        tags: list[tuple[str, int]] = []
        for offset, event in enumerate(events, offset):  # noqa: B020  # from there on
            stream = streams.get(event.stream)
            if stream is None:
                stream = streams[event.stream] = self._stream(connection, runs[event.stream])
                if not stream.id:
                    stream.id, next_stream = next_stream, next_stream + 1
            rows.append(stream.row(event, offset))
            tags += [(tag, offset) for tag in batch.tags.get(event.event_id, ())]
        self._insert(connection, rows, events)
        self._boundaries.insert(connection, tags)
        for stream in streams.values():
            self._place(connection, stream)

    def _insert(self, connection: apsw.Connection, rows: Sequence[_EventRow], events: Iterable[StoredEvent]) -> None:
        start = cast("int", rows[0][0])
        try:
            connection.executemany(self._sql["insert_event"], rows)
        except apsw.ConstraintError as error:
            for event in events:
                place = connection.execute(self._sql["find_event_id"], (event.event_id,)).get
                if place is not None and cast("int", place) < start:
                    raise DuplicateEventId(event.event_id.hex()) from error
            raise StoreCorrupt("the log holds other events than its streams say: run `headwater verify`") from error

    def _place(self, connection: apsw.Connection, stream: _Stream) -> None:
        """Where a stream stands now."""
        if stream.was:
            place = stream.version, stream.last_timestamp, stream.chain, stream.id
            connection.execute(self._sql["update_stream"], place)
            return
        category = stream.name.partition("-")[0]
        names = stream.id, stream.name, category, stream.key
        connection.execute(self._sql["insert_stream"], (*names, stream.version, stream.last_timestamp, stream.chain))
        connection.execute(self._sql["count_stream"], (category,))

    def _there(self, connection: apsw.Connection, batch: Import) -> dict[str, CommandRecord]:
        rows = [connection.execute(self._sql["find_command"], (record.id,)).get for record in batch.commands]
        found = [record_of(cast("CommandRow", row)) for row in rows if row is not None]
        return {record.id: record for record in found}

    def _move_keys(self, connection: apsw.Connection, batch: Import) -> int:
        moved = 0
        for key, stream in batch.keys.items():
            if stream is None:
                connection.execute(self._sql["drop_key"], (key.scope, key.value))
            else:
                connection.execute(self._sql["give_key"], (key.scope, key.value, stream))
            moved += connection.changes()
        return moved

"""The append, as it runs on the writer's thread."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import apsw

from headwater.domain.append import Append, Appended, UniqueKey, Write, Written
from headwater.domain.version import check_expected
from headwater.engines.sql.checksum import checksum, link, seal
from headwater.engines.sql.command_rows import CommandRow, command_row, record_of
from headwater.engines.sqlite.boundaries import Boundaries
from headwater.engines.sqlite.changes import apply_changes
from headwater.engines.sqlite.statements import Statements
from headwater.errors import DuplicateEventId, IdempotencyMismatch, InvalidMessage, StoreCorrupt, UniqueKeyTaken
from headwater.models.changes import Change
from headwater.ports.clock import Clock

__all__ = ["Appender"]


class _Epoch(Protocol):
    @property
    def epoch(self) -> int: ...


class _Stream:
    """Where a stream stands, before and during an append; id 0 until it exists."""

    __slots__ = ("chain", "id", "last_timestamp", "name", "version", "write")

    def __init__(self, write: Write, name: str, row: tuple[int, str | None, int, int, int] | None) -> None:
        self.write = write
        self.name = name
        self.id, key, self.version, self.last_timestamp, self.chain = row or (0, write.partition_key, 0, -1, 0)
        if (key or name) != (write.partition_key or name):
            raise InvalidMessage(
                f"stream {name!r} is partitioned by {key or name!r}, this append by {write.partition_key or name!r}: "
                f"a stream keeps its partition key"
            )


class Appender:
    """Commits appends. Everything is checked before anything is written, but for event ids, which come first.

    It remembers the next offset and stream id for as long as the writer says that nobody else can have moved them.
    """

    def __init__(self, sql: Statements, writer: _Epoch, clock: Clock) -> None:
        self._sql = sql
        self._writer = writer
        self._now = clock.micros
        self._boundaries = Boundaries(sql)
        self._epoch = -1
        self._next_offset = 0
        self._next_stream = 0
        self._read_stream = sql["read_stream"]
        self._insert_event = sql["insert_event"]
        self._insert_stream = sql["insert_stream"]
        self._update_stream = sql["update_stream"]
        self._find_command = sql["find_command"]
        self._insert_command = sql["insert_command"]

    def commit(self, connection: apsw.Connection, append: Append) -> tuple[Appended, list[int]]:
        """Inside the writer's transaction; what it raises after writing, the writer rolls back.

        The outcome, and the offset of each write's last event; none for what was committed before.
        """
        if append.command is not None and (replayed := self._first_outcome(connection, append)) is not None:
            return replayed, []
        streams = [self._look_at(connection, write) for write in append.writes]
        for check in append.checks:
            version = connection.execute(self._sql["read_version"], (str(check.stream),)).get or 0
            check_expected(str(check.stream), check.expected, cast("int", version))
        if append.conditions:
            self._boundaries.check(connection, append.conditions)
        self._check_claims(connection, streams)
        self._remember_ends(connection)
        now = append.stamped_from(self._now())
        offsets: list[int] = []
        written: list[Written] = []
        for stream in streams:
            written.append(self._write(connection, stream, append.context, now))
            offsets.append(self._next_offset - 1)
        self._move_keys(connection, streams)
        if append.changes:
            apply_changes(connection, self._sql, cast("Sequence[Change]", append.changes))
        if append.command is not None:
            connection.execute(self._insert_command, command_row(append.command, tuple(written), now))
        return Appended(tuple(written)), offsets

    def _first_outcome(self, connection: apsw.Connection, append: Append) -> Appended | None:
        """What this command committed before; None if it did not, or was refused."""
        command = append.command
        assert command is not None
        row = connection.execute(self._find_command, (command.id,)).get
        first = None if row is None else record_of(cast("CommandRow", row))
        if first is None or first.error is not None:
            return None
        if first.fingerprint != command.fingerprint:
            raise IdempotencyMismatch(command.id)
        return Appended(first.writes, first)

    def _look_at(self, connection: apsw.Connection, write: Write) -> _Stream:
        name = str(write.stream)
        row = connection.execute(self._read_stream, (name,)).get
        stream = _Stream(write, name, cast("tuple[int, str | None, int, int, int] | None", row))
        check_expected(name, write.expected, stream.version)
        return stream

    def _check_claims(self, connection: apsw.Connection, streams: list[_Stream]) -> None:
        """Raise UniqueKeyTaken for a key that another stream holds and this append does not make it give up."""
        claiming = [(stream, key) for stream in streams for key in stream.write.claims]
        if not claiming:
            return
        freed = {(stream.name, key) for stream in streams for key in stream.write.releases}
        taken: dict[UniqueKey, str] = {}
        for stream, key in claiming:
            held = connection.execute(self._sql["find_key"], (key.scope, key.value)).get
            holder = cast("tuple[int, str]", held)[1] if held is not None else None
            holder = taken.get(key) or (None if (holder, key) in freed else holder)
            if holder not in (None, stream.name):
                raise UniqueKeyTaken(key.scope, key.value, holder)
            taken[key] = stream.name

    def _remember_ends(self, connection: apsw.Connection) -> None:
        if self._epoch != self._writer.epoch:
            ends = connection.execute(self._sql["read_ends"]).get
            self._next_offset, self._next_stream = cast("tuple[int, int]", ends)
            self._epoch = self._writer.epoch

    def _write(self, connection: apsw.Connection, stream: _Stream, context: bytes, now: int) -> Written:
        """The events, then where the stream stands after them."""
        is_new = stream.id == 0
        if is_new:
            stream.id = self._next_stream
        first = stream.version + 1
        self._insert_events(connection, stream, context, now)
        if is_new:
            self._next_stream += 1
            category, key = stream.write.stream.category, stream.write.partition_key
            place = stream.id, stream.name, category, key, stream.version, stream.last_timestamp, stream.chain
            connection.execute(self._insert_stream, place)
            connection.execute(self._sql["count_stream"], (category,))
        else:
            connection.execute(self._update_stream, (stream.version, stream.last_timestamp, stream.chain, stream.id))
        return Written(stream.name, first, stream.version)

    def _insert_events(self, connection: apsw.Connection, stream: _Stream, context: bytes, now: int) -> None:
        rows: list[tuple[int | str | bytes | None, ...]] = []
        tags: list[tuple[str, int]] = []
        version, timestamp, chain = stream.version, stream.last_timestamp, stream.chain
        for offset, event in enumerate(stream.write.events, self._next_offset):
            id, type, schema, data, topic = event.event_id, event.type, event.schema, event.data, event.topic
            version += 1
            timestamp = max(now, timestamp + 1)
            chain = link(data, chain)
            sum = checksum(seal(version, timestamp, id, type, schema, topic, context, data), chain)
            rows.append((offset, stream.id, version, id, timestamp, type, schema, data, context, topic, sum))
            if event.tags:
                tags += [(tag, offset) for tag in event.tags]
        try:
            if len(rows) == 1:
                connection.execute(self._insert_event, rows[0])
            else:
                connection.executemany(self._insert_event, rows)
        except apsw.ConstraintError as error:
            raise self._constraint_broken(connection, stream) from error
        if tags:
            self._boundaries.insert(connection, tags)
        self._next_offset += len(rows)
        stream.version, stream.last_timestamp, stream.chain = version, timestamp, chain

    def _constraint_broken(self, connection: apsw.Connection, stream: _Stream) -> Exception:
        """An event id that is taken: the rows before it are in by now. Anything else is a store at odds with itself."""
        for event in stream.write.events:
            place = connection.execute(self._sql["find_event_id"], (event.event_id,)).get
            if place is not None and cast("int", place) < self._next_offset:
                return DuplicateEventId(event.event_id.hex())
        return StoreCorrupt(f"the log holds other events than stream {stream.name!r} says: run `headwater verify`")

    def _move_keys(self, connection: apsw.Connection, streams: list[_Stream]) -> None:
        """Releases first, then claims."""
        for stream in streams:
            for key in stream.write.releases:
                connection.execute(self._sql["release_key"], (key.scope, key.value, stream.id))
        for stream in streams:
            for key in stream.write.claims:
                connection.execute(self._sql["claim_key"], (key.scope, key.value, stream.id))

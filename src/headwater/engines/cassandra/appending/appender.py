"""Appender: one append to one stream, tried until its outcome is known or its time is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import uuid4

import msgspec

from headwater.domain.append import Append, Appended, CommandRecord, Write, Written
from headwater.domain.version import check_expected
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.appending.standings import Standing, Standings
from headwater.engines.cassandra.appending.under_way import UnderWay
from headwater.engines.cassandra.copying.copied_records import CopiedRecords
from headwater.engines.cassandra.protocol.appending import append as tried
from headwater.engines.cassandra.protocol.appending import intent_of
from headwater.engines.cassandra.protocol.locating import locate, look_up
from headwater.engines.cassandra.protocol.outcomes import CertainFailure, Committed, KeyTaken, OutcomeUnknown
from headwater.engines.cassandra.protocol.place import Place
from headwater.engines.cassandra.protocol.rows import EventRow, FirstCells, Hint
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.errors import (
    AppendOutcomeUnknown,
    IdempotencyMismatch,
    InvalidMessage,
    StoreUnavailable,
    UniqueKeyTaken,
    WrongExpectedVersion,
)
from headwater.ports.clock import Clock

__all__ = ["Appender"]

_Committing: TypeAlias = Callable[[Hint], None]
"""Told of each append that is committed."""


class Appender:
    """Appends of one process to one stream go one after the other: they would only fail each other's conditions."""

    def __init__(
        self,
        performer: Performer,
        copied: CopiedRecords,
        under_way: UnderWay,
        clock: Clock,
        deadline: float,
        committed: _Committing,
    ) -> None:
        self._run = performer.run
        self._under_way = under_way
        self._copied = copied
        self._now = clock.micros
        self._deadline = deadline
        self._committed = committed
        self._standings = Standings()
        self._turns: dict[str, _Turns] = {}
        self._shape = Shape()

    def start(self, shape: Shape) -> None:
        """Take appends to a store of this shape; where its streams stand is not known yet."""
        self._shape = shape
        self._standings.clear()

    async def append(self, append: Append, part: int) -> Appended:
        """Commit an append with one write, to a stream in this partition of the log; raises as the port has it."""
        [write] = append.writes
        stream = str(write.stream)
        ends_at = time.monotonic() + self._deadline
        async with self._turn(stream):
            while True:
                standing = await self._found(part, stream, append.command, ends_at)
                if (first := _first_outcome(standing, append.command)) is not None:
                    return first
                try:
                    _check(write, stream, standing.place)
                except (WrongExpectedVersion, InvalidMessage):
                    if standing.is_fresh:
                        raise
                    self._standings.forget(stream)
                    continue
                if (done := await self._try(append, write, standing, ends_at)) is not None:
                    return done

    async def head(self, part: int, stream: str) -> int:
        """The stream's version; 0 if it has no events."""
        place = await self._run(locate(part, stream, self._shape, self._standings.chunk_of(stream)))
        return place.version

    async def _found(self, part: int, stream: str, command: CommandRecord | None, ends_at: float) -> Standing:
        """Where a stream stands, as remembered, or looked at until somebody answers or time is over."""
        known = self._standings.find(stream)
        if known is not None and (command is None or known.is_complete):
            return msgspec.structs.replace(known, is_fresh=False)
        chunk = self._standings.chunk_of(stream)
        while True:
            try:
                return await self._look(part, stream, command, chunk)
            except StoreUnavailable:
                if time.monotonic() >= ends_at:
                    raise

    async def _look(self, part: int, stream: str, command: CommandRecord | None, chunk: int) -> Standing:
        if command is None:
            place = await self._run(locate(part, stream, self._shape, chunk))
            return Standing(place, {}, is_complete=not place.version)
        found = await self._run(look_up(part, stream, command.id, self._shape, chunk))
        row = None if found.committed is None else found.committed.row
        first = await self._copied.find(command.id) if row is None or row.first is None else row.first.command
        commands = {} if first is None else {first.id: first}
        return Standing(found.place, commands, is_complete=not found.place.version)

    async def _try(self, append: Append, write: Write, standing: Standing, ends_at: float) -> Appended | None:
        """Try it once; None: it is certain not to be there, and worth another try."""
        place = standing.place
        self._standings.forget(place.stream)  # until its outcome is known
        if not place.version:
            key = None if write.partition_key in (None, place.stream) else write.partition_key
            place = msgspec.structs.replace(place, partition_key=key)
        now = append.stamped_from(self._now())
        record, rows = _rows(append, write, place, now)
        slot, sent_at = self._shape.slot_of(time.time_ns() // 1_000), time.monotonic()
        intent = intent_of(place, rows, slot)
        with self._under_way.trying(intent):
            outcome = await self._run(tried(place, rows, slot, self._shape, lambda: time.monotonic() >= ends_at))
        if isinstance(outcome, Committed):
            self._committed(Hint(intent, rows, sent_at))
            self._standings.keep(place.stream, standing.after(place.after(rows, self._shape), record))
            return Appended((Written(place.stream, rows[0].version, rows[-1].version),))
        if isinstance(outcome, OutcomeUnknown):
            self._under_way.doubt(intent)
            raise AppendOutcomeUnknown(None if append.command is None else append.command.id)
        if isinstance(outcome, KeyTaken):
            raise UniqueKeyTaken(outcome.key.scope, outcome.key.value, outcome.holder)
        if time.monotonic() >= ends_at:
            reason = outcome.reason if isinstance(outcome, CertainFailure) else "others were faster each time"
            raise StoreUnavailable(f"the append is certainly not committed: {reason}")
        return None

    @asynccontextmanager
    async def _turn(self, stream: str) -> AsyncGenerator[None, None]:
        """One append at a time to a stream; a lock lives as long as somebody wants it."""
        turns = self._turns.setdefault(stream, _Turns())
        turns.wanted += 1
        try:
            async with turns.lock:
                yield
        finally:
            turns.wanted -= 1
            if not turns.wanted:
                del self._turns[stream]


class _Turns:
    """Who wants to append to one stream."""

    __slots__ = ("lock", "wanted")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.wanted = 0


def _first_outcome(standing: Standing, command: CommandRecord | None) -> Appended | None:
    """What this command has committed to this stream before."""
    first = None if command is None else standing.commands.get(command.id)
    if command is None or first is None:
        return None
    if first.fingerprint != command.fingerprint:
        raise IdempotencyMismatch(command.id)
    return Appended(first.writes, first)


def _check(write: Write, stream: str, place: Place) -> None:
    """Raises what the stream, where it stands, is reason enough for."""
    kept, asked = place.partition_key or stream, write.partition_key or stream
    if place.version and kept != asked:
        raise InvalidMessage(
            f"stream {stream!r} is partitioned by {kept!r}, this append by {asked!r}: a stream keeps its partition key"
        )
    check_expected(stream, write.expected, place.version)


def _rows(append: Append, write: Write, place: Place, now: int) -> tuple[CommandRecord | None, tuple[EventRow, ...]]:
    """The rows of an attempt that was never made before, and the command's record as they carry it."""
    attempt, first, count = uuid4().bytes, place.version + 1, len(write.events)
    record = append.command
    if record is not None:
        written = Written(place.stream, first, place.version + count)
        record = msgspec.structs.replace(record, writes=(written,), timestamp=now)
    cells = FirstCells(record, write.claims, write.releases) if record or write.claims or write.releases else None
    time = max(now, place.time + 1)
    return record, tuple(
        [
            EventRow(first + nth, attempt, time + nth, event, append.context, None if nth else cells)
            for nth, event in enumerate(write.events)
        ]
    )

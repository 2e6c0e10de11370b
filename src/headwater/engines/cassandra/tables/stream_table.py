"""Stream table: the requests of the protocol about streams, as statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from headwater.engines.cassandra.protocol.replies import APPLIED, Answer, NotApplied
from headwater.engines.cassandra.protocol.requests import (
    AppendEvents,
    FenceChunk,
    ReadCommand,
    ReadCommandSerially,
    ReadRows,
    ReadRowSerially,
    ReadStatics,
    WriteLogged,
)
from headwater.engines.cassandra.protocol.rows import CommandSeen, EventRow, RowSeen, Statics
from headwater.engines.cassandra.session import Refusal, Row, Session, Step
from headwater.engines.cassandra.tables.event_rows import columns_of, event_row
from headwater.errors import StoreUnavailable

__all__ = ["StreamTable"]

_STATICS = 5
_OFFSET_WRITTEN_AT = 1
"""The timestamp of every write of where an event lies: it is the same whoever writes it."""


class StreamTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_statics(self, request: ReadStatics) -> Statics:
        row = await self._session.row("read_statics", request.stream, request.chunk)
        return Statics() if row is None else _statics(row)

    async def read_rows(self, request: ReadRows) -> Sequence[EventRow]:
        stream, chunk = request.stream, request.chunk
        found = await self._session.rows("read_rows", stream, chunk, request.start, request.limit)
        return [row for columns in found if (row := event_row(stream, columns)) is not None]

    async def read_row_serially(self, request: ReadRowSerially) -> RowSeen:
        """One read that has the statics whatever rows there are. Where its row is a later one, the one asked for is
        there too: rows that are committed have no holes and never change."""
        place = request.stream, request.chunk
        last = await self._session.row("read_last_row", *place, serially=True)
        if last is None:
            return RowSeen(Statics(), None)
        statics, columns = _statics(last), last[_STATICS:]
        if columns[0] is not None and cast("int", columns[0]) > request.version:
            found = await self._session.row("read_row", *place, request.version, serially=True)
            return RowSeen(statics, None if found is None else event_row(request.stream, found))
        return RowSeen(statics, event_row(request.stream, columns) if columns[0] == request.version else None)

    async def read_command(self, request: ReadCommand | ReadCommandSerially) -> CommandSeen:
        stream, chunk = request.stream, request.chunk
        serially = isinstance(request, ReadCommandSerially)
        found = await self._session.rows("read_commands", stream, chunk, serially=serially)
        statics = _statics(found[0]) if found else Statics()
        rows = [
            cast("tuple[int, bytes, str]", columns[_STATICS:]) for columns in found if columns[_STATICS + 1] is not None
        ]
        seen = CommandSeen(statics, None, rows=len(rows), highest=rows[-1][0] if rows else 0)
        first = next((row for row in rows if row[2] == request.command), None)
        if first is None:
            return seen
        version, attempt, _ = first
        last = max(row[0] for row in rows if row[1] == attempt)
        columns = await self._session.row("read_row", stream, chunk, version, serially=True)  # it is there, as was seen
        row = None if columns is None else event_row(stream, columns)
        if row is None:
            raise StoreUnavailable(f"version {version} of stream {stream!r} was seen, and is not there: try again")
        return CommandSeen(statics, row, last, len(rows), seen.highest)

    async def append_events(self, request: AppendEvents) -> Answer[Statics]:
        place = request.stream, request.chunk
        key = request.partition_key or ""
        head = "move_head", (request.new_head, request.new_time, key, *place, request.head, request.fence)
        rows: list[Step] = [("insert_event", (*place, *columns_of(row))) for row in request.rows]
        return _answer(await self._session.compare_and_set(head, *rows))

    async def fence_chunk(self, request: FenceChunk) -> Answer[Statics]:
        place = request.stream, request.chunk
        step = "fence_chunk", (request.new_fence, *place, request.head, request.fence)
        return _answer(await self._session.compare_and_set(step))

    async def write_logged(self, request: WriteLogged) -> bool:
        place = request.stream, request.chunk
        offsets: list[Step] = [
            ("write_log_offset", (_OFFSET_WRITTEN_AT, offset, *place, version)) for version, offset in request.offsets
        ]
        await self._session.write(("write_logged", (request.timestamp, request.version, *place)), *offsets)
        return True


def _statics(row: Row) -> Statics:
    """Of the first columns of a row."""
    head, time, fence, partition_key, logged = cast(
        "tuple[int | None, int | None, int | None, str | None, int | None]", row[:_STATICS]
    )
    return Statics(head=head, fence=fence, logged=logged, time=time, partition_key=partition_key or None)


def _answer(refusal: Refusal | None) -> Answer[Statics]:
    if refusal is None:
        return APPLIED
    found = cast("dict[str, int | None]", refusal.found)
    return NotApplied(Statics(head=found.get("head"), fence=found.get("fence")))

"""Copied records: the records of commands that committed in another store.

They lie as rows in a partition of the log's table of their own, which no reader of the log knows: whole, in the order
in which they were kept, and written once. Each has a place as the commands of the log have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast

from headwater.domain.append import CommandRecord
from headwater.domain.event import NewEvent
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.bonds import KeptBonds
from headwater.engines.cassandra.protocol.core import Core, ask, ask_all
from headwater.engines.cassandra.protocol.replies import Applied
from headwater.engines.cassandra.protocol.requests import (
    AppendLog,
    ReadBucketSerially,
    ReadSettled,
    WriteCommand,
    WriteSettled,
)
from headwater.engines.cassandra.protocol.rows import EventRow, FirstCells, Logged, LogRow
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.tables.event_rows import first_cells
from headwater.errors import StoreUnavailable

__all__ = ["RECORDS", "CopiedRecords"]

RECORDS: Final = -1
"""The partition they lie in."""
_PLACED_AT: Final = 0
"""The timestamp of their places: that of an append made here goes before."""
_NO_EVENT: Final = NewEvent(b"", "", 0, b"")


class CopiedRecords:
    def __init__(self, session: Session, performer: Performer, bonds: KeptBonds) -> None:
        self._session = session
        self._run = performer.run
        self._bonds = bonds
        self._shape = Shape()
        self._last: int | None = None
        """The offset of the last one, once all of them have their places; None: that is not known."""

    def start(self, shape: Shape) -> None:
        """Look at a store of this shape."""
        self._shape, self._last = shape, None

    async def find(self, id: str) -> CommandRecord | None:
        """The record under this id; a store that is no copy has none, and is not asked."""
        if not self._bonds.is_copy:
            return None
        place = await self._session.row("find_command_place", id)
        if place is None or place[0] != RECORDS:
            return None
        offset = cast("int", place[1])
        row = await self._session.row("read_log_first", RECORDS, self._shape.bucket_of(offset), offset)
        return None if row is None else first_cells(cast("bytes", row[0])).command

    async def place_all(self) -> None:
        """See to it that each has its place, which an interrupted copy may owe to some."""
        if self._last is None:
            self._last = await self._run(_placed(self._shape))

    async def add(self, records: Sequence[CommandRecord]) -> None:
        """Keep more, none of which is there, behind those that are.

        Raises StoreUnavailable where they are not known to be kept: they are to be given again.
        """
        await self.place_all()
        last, self._last = cast("int", self._last), None  # until it is known again
        while records:
            rows = tuple(_rows(records, last, self._shape))
            bucket = self._shape.bucket_of(last + 1)
            head = None if last + 1 == self._shape.bucket_start(bucket) else last
            if not isinstance(await self._run(ask(AppendLog(RECORDS, bucket, head, rows))), Applied):
                raise StoreUnavailable("the records of commands were not taken in: give the same again")
            await self._run(_place([row.logged for row in rows]))
            last, records = rows[-1].offset, records[len(rows) :]
        self._last = last


def _rows(records: Sequence[CommandRecord], last: int, shape: Shape) -> Iterator[LogRow]:
    """As many as go into one batch behind the last one."""
    room, size = shape.bucket_start(shape.bucket_of(last + 1) + 1) - last - 1, 0
    for nth, record in enumerate(records[: min(room, shape.events_per_log_batch)]):
        size += len(record.result)
        if nth and size > shape.bytes_per_log_batch:
            return
        row = EventRow(0, b"", record.timestamp, _NO_EVENT, first=FirstCells(record))
        yield LogRow(last + 1 + nth, last + 1 + nth, "", 0, row)


def _placed(shape: Shape) -> Core[int]:
    """The offset of the last one, once all have their places; -1 for none."""
    settled = yield from ask(ReadSettled(RECORDS))
    last = settled = -1 if settled is None else settled
    bucket = shape.bucket_of(max(settled, 0))
    while True:
        seen = yield from ask(ReadBucketSerially(RECORDS, bucket, settled))
        if seen.head is None:
            return last
        yield from _place(seen.rows)
        last, bucket = seen.head, bucket + 1
        if last + 1 < shape.bucket_start(bucket):
            return last


def _place(rows: Sequence[Logged]) -> Core[None]:
    """Give them their places, and say so."""
    if not rows:
        return
    places: list[WriteCommand] = [WriteCommand(_PLACED_AT, RECORDS, str(row.command), row.offset) for row in rows]
    while places:
        acknowledged = yield from ask_all(places)
        places = [place for place, known in zip(places, acknowledged, strict=True) if not known]
    yield from ask(WriteSettled(rows[-1].offset + 1, RECORDS, rows[-1].offset))

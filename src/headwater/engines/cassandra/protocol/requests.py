"""Requests: everything that a core may want done. Each is one operation, of one partition where it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headwater.domain.append import UniqueKey
from headwater.engines.cassandra.protocol.request import ConditionalWrite, PlainWrite, QuorumRead, SerialRead
from headwater.engines.cassandra.protocol.rows import (
    Bucket,
    CommandSeen,
    Count,
    EventRow,
    Intent,
    KeyRow,
    LeaseRow,
    LogRow,
    RowSeen,
    Statics,
)

__all__ = [
    "AppendEvents",
    "AppendLog",
    "ConfirmKey",
    "DeleteIntents",
    "DropReservation",
    "FenceChunk",
    "InsertIntent",
    "ListSlots",
    "ReadBucketSerially",
    "ReadCommand",
    "ReadCommandSerially",
    "ReadCounts",
    "ReadKeySerially",
    "ReadLease",
    "ReadLeaseSerially",
    "ReadRowSerially",
    "ReadRows",
    "ReadSettled",
    "ReadStatics",
    "ReserveKey",
    "ScanSlot",
    "WriteCommand",
    "WriteCount",
    "WriteLease",
    "WriteLogged",
    "WriteNames",
    "WriteSettled",
]

# -- streams ---------------------------------------------------------------------------------------------------------


class ReadStatics(QuorumRead[Statics], frozen=True):
    """The statics of a chunk, be there rows or not."""

    stream: str
    chunk: int


class ReadRows(QuorumRead[Sequence[EventRow]], frozen=True):
    """The rows of a chunk from version `start` on, by version, at most `limit`; there may be holes where some are
    not visible yet."""

    stream: str
    chunk: int
    start: int
    limit: int


class ReadRowSerially(SerialRead[RowSeen], frozen=True):
    """The statics of a chunk and the row of one version."""

    stream: str
    chunk: int
    version: int


class ReadCommand(QuorumRead[CommandSeen], frozen=True):
    """The statics of a chunk, and what a command committed in it, as far as that is visible. Where the reply takes
    several pages, the statics are those of the first page."""

    stream: str
    chunk: int
    command: str


class ReadCommandSerially(SerialRead[CommandSeen], frozen=True):
    """The same, and every row up to that head is looked at."""

    stream: str
    chunk: int
    command: str


class AppendEvents(ConditionalWrite[Statics], frozen=True):
    """The rows of an append and the new head, if head and fence of the chunk are these."""

    stream: str
    chunk: int
    head: int | None
    fence: int | None
    rows: tuple[EventRow, ...]
    partition_key: str | None
    """Of the stream: the same in each of its appends."""

    @property
    def new_head(self) -> int:
        return self.rows[-1].version

    @property
    def new_time(self) -> int:
        """Of the event at the new head."""
        return self.rows[-1].time


class FenceChunk(ConditionalWrite[Statics], frozen=True):
    """One fence higher, if head and fence of the chunk are these."""

    stream: str
    chunk: int
    head: int | None
    fence: int | None

    @property
    def new_fence(self) -> int:
        return (self.fence or 0) + 1


class WriteLogged(PlainWrite, frozen=True):
    """`logged` of a chunk, and the `offset` of rows of it, in one mutation. The timestamp is the version, so that the
    highest `logged` stays; where a row lies never changes, so that any timestamp will do there."""

    stream: str
    chunk: int
    version: int
    offsets: tuple[tuple[int, int], ...]
    """Version and offset of each row that it settles."""


# -- intents ---------------------------------------------------------------------------------------------------------


class InsertIntent(PlainWrite, frozen=True):
    intent: Intent


class DeleteIntents(PlainWrite, frozen=True):
    """Intents of one slot."""

    part: int
    slot: int
    attempts: tuple[bytes, ...]


class ScanSlot(QuorumRead[Sequence[Intent]], frozen=True):
    """The intents of a slot."""

    part: int
    slot: int


class ListSlots(QuorumRead[Sequence[int]], frozen=True):
    """Every slot that has intents: a scan of the whole table for its partition keys."""

    part: int


# -- the log ---------------------------------------------------------------------------------------------------------


class ReadSettled(QuorumRead[int | None], frozen=True):
    """The offset up to which every chunk's `logged` and every index is acknowledged; None if it was never written."""

    part: int


class WriteSettled(PlainWrite, frozen=True):
    """The timestamp is the offset + 1, so that the highest stays."""

    part: int
    offset: int


class ReadBucketSerially(SerialRead[Bucket], frozen=True):
    """Head and log time of a bucket, and which versions and commands lie behind offset `after`."""

    part: int
    bucket: int
    after: int


class AppendLog(ConditionalWrite[int | None], frozen=True):
    """Rows of the log and the bucket's new head, if its head is this."""

    part: int
    bucket: int
    head: int | None
    rows: tuple[LogRow, ...]


# -- indexes of the log ------------------------------------------------------------------------------------------------


class WriteNames(PlainWrite, frozen=True):
    """Streams of a category that begin in a partition of the log. The timestamp is always the same."""

    part: int
    category: str
    streams: tuple[str, ...]


class WriteCount(PlainWrite, frozen=True):
    """How many streams of a category begin at or below an offset: of the log alone, so the same whoever counts. The
    timestamp is the offset + 1, so that the count of the highest stays."""

    part: int
    category: str
    streams: int
    offset: int


class ReadCounts(QuorumRead[Mapping[str, Count]], frozen=True):
    """The counts of a partition of the log, by category."""

    part: int


class WriteCommand(PlainWrite, frozen=True):
    """Where the append of a command begins in the log. The timestamp is the offset + 1: where a command has appended
    again, the place with the highest offset stays."""

    part: int
    command: str
    """Its id."""
    offset: int


# -- leases ----------------------------------------------------------------------------------------------------------


class ReadLease(QuorumRead[LeaseRow | None], frozen=True):
    name: str


class ReadLeaseSerially(SerialRead[LeaseRow | None], frozen=True):
    name: str


class WriteLease(ConditionalWrite[LeaseRow | None], frozen=True):
    """A lease, if it is as it was seen; None: if there is none."""

    name: str
    seen: LeaseRow | None
    row: LeaseRow


# -- unique keys -----------------------------------------------------------------------------------------------------


class ReadKeySerially(SerialRead[KeyRow], frozen=True):
    key: UniqueKey


class ReserveKey(ConditionalWrite[KeyRow], frozen=True):
    """A key's row, if its holder, the attempt of its reservation and its turn are as they were seen."""

    key: UniqueKey
    seen: KeyRow
    row: KeyRow


class ConfirmKey(ConditionalWrite[KeyRow], frozen=True):
    """The holder of a key, and no reservation, if it is reserved by this attempt. Its turn stays."""

    key: UniqueKey
    attempt: bytes
    holder: str | None


class DropReservation(ConditionalWrite[KeyRow], frozen=True):
    """No reservation of a key, whose holder and turn stay, if it is reserved by this attempt."""

    key: UniqueKey
    attempt: bytes

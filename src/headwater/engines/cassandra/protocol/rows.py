"""Rows: what lies in the tables of the log."""

from __future__ import annotations

import msgspec

from headwater.domain.append import CommandRecord, UniqueKey
from headwater.domain.event import NewEvent

__all__ = [
    "Bucket",
    "ChunkKey",
    "CommandSeen",
    "Count",
    "EventRow",
    "FirstCells",
    "Hint",
    "Intent",
    "KeyRow",
    "LeaseRow",
    "LogRow",
    "Logged",
    "Reservation",
    "RowSeen",
    "Statics",
]

ChunkKey = tuple[str, int]
"""Stream and chunk: a partition of the table of streams."""


class Statics(msgspec.Struct, frozen=True, gc=False):
    """What a chunk of a stream knows of itself; None where nothing was ever written."""

    head: int | None = None
    """The stream's version after the last append to this chunk."""
    fence: int | None = None
    """Raised to fail every append that was conditioned on the one before."""
    logged: int | None = None
    """Every version of the chunk up to this one is in the log."""
    time: int | None = None
    """Of the event at `head`, in microseconds since 1970."""
    partition_key: str | None = None
    """Of the stream, what decides its partition of the log; None: its own name."""


class FirstCells(msgspec.Struct, frozen=True):
    """What an append says once, on its first row."""

    command: CommandRecord | None = None
    """The whole record, what it wrote and when included: the place of an append is known before it is tried."""
    claims: tuple[UniqueKey, ...] = ()
    releases: tuple[UniqueKey, ...] = ()


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """An event of a stream."""

    version: int
    attempt: bytes
    """Of the append that wrote it: a new one for every try."""
    time: int
    """When it happened, as the append stamped it: microseconds since 1970."""
    event: NewEvent
    context: bytes = b""
    """JSON of the `Context` of the append."""
    first: FirstCells | None = None
    """On the first row of an append, and on no other."""


class Logged(msgspec.Struct, frozen=True, gc=False):
    """Which version of a stream lies at an offset of the log."""

    offset: int
    stream: str
    chunk: int
    version: int
    command: str | None = None
    """The id of the command whose append begins with this row."""

    @property
    def category(self) -> str:
        """What the stream's name begins with."""
        return self.stream.partition("-")[0]

    @property
    def is_birth(self) -> bool:
        """Whether the stream begins here."""
        return self.version == 1


class Count(msgspec.Struct, frozen=True, gc=False):
    """How many streams of a category begin in a partition of the log, up to an offset."""

    streams: int
    offset: int


class LogRow(msgspec.Struct, frozen=True, gc=False):
    """An event of the log."""

    offset: int
    log_time: int
    """max(time of the event, log time of the offset before + 1): microseconds since 1970, strictly rising."""
    stream: str
    chunk: int
    row: EventRow

    @property
    def logged(self) -> Logged:
        """What of it its chunk and the indexes are told."""
        first = self.row.first
        command = None if first is None or first.command is None else first.command.id
        return Logged(self.offset, self.stream, self.chunk, self.row.version, command)


class Intent(msgspec.Struct, frozen=True, gc=False):
    """Says, before an append is tried, that its events may be there to be logged."""

    part: int
    slot: int
    attempt: bytes
    stream: str
    chunk: int
    first_version: int
    count: int
    fence: int | None
    """What the append is conditioned on."""

    @property
    def expected(self) -> int:
        """The version that the append expects, v."""
        return self.first_version - 1

    @property
    def last_version(self) -> int:
        """v + k."""
        return self.first_version - 1 + self.count


class Hint(msgspec.Struct, frozen=True, gc=False):
    """An append that is committed, told by whoever made it to a sequencer in the same process."""

    intent: Intent
    rows: tuple[EventRow, ...]
    sent_at: float
    """By the clock of `Ownership.since`: before its first conditional write was sent."""

    @property
    def chunk(self) -> ChunkKey:
        return self.intent.stream, self.intent.chunk


class RowSeen(msgspec.Struct, frozen=True, gc=False):
    """The statics of a chunk and one of its rows, of one instant."""

    statics: Statics
    row: EventRow | None


class CommandSeen(msgspec.Struct, frozen=True, gc=False):
    """The statics of a chunk, and the first row of the append that a command committed there."""

    statics: Statics
    row: EventRow | None
    last_version: int = 0
    """Of the events of that append."""
    rows: int = 0
    """How many rows were looked at."""
    highest: int = 0
    """The highest version among them."""


class Bucket(msgspec.Struct, frozen=True, gc=False):
    """A partition of the log: where it ends, and what lies behind an offset, by offset."""

    head: int | None
    log_time: int | None
    """Of the row at `head`."""
    rows: tuple[Logged, ...]


class LeaseRow(msgspec.Struct, frozen=True, gc=False):
    """Who has a lease. The row is never deleted, or its epochs would begin anew."""

    owner: str
    """Empty: nobody, and nobody may take it before it expires."""
    epoch: int
    """Rises with every change of owner."""
    expires_at: int
    """Microseconds since 1970, by the owner's clock."""
    ttl: int
    """Microseconds for which it was taken or backed off. Whoever sees it expire further away has a clock that has
    stepped back since."""


class Reservation(msgspec.Struct, frozen=True, gc=False):
    """An attempt that may be about to change who holds a key, and all that it takes to decide it."""

    attempt: bytes
    stream: str
    chunk: int
    expected: int
    """v."""
    fence: int | None
    """f."""
    claims: bool
    """Takes the key; False: gives it up."""

    @property
    def holder_after(self) -> str | None:
        """Who holds the key if the attempt is committed."""
        return self.stream if self.claims else None


class KeyRow(msgspec.Struct, frozen=True, gc=False):
    """A unique key. The row that is not there is the same as one without anything."""

    holder: str | None = None
    """The stream that holds it, unless the reservation says otherwise."""
    reservation: Reservation | None = None
    turn: int | None = None
    """How many reservations there ever were: rises with each, so that none is made twice; None: none."""

    def reserved(self, holder: str | None, by: Reservation) -> KeyRow:
        """The row after one more reservation, on top of the holder that is left by the one there was."""
        return KeyRow(holder, by, (self.turn or 0) + 1)

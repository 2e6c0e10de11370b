"""World: a Cassandra that does what it may do to the requests of the cores."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import cast

from headwater.domain.event import NewEvent
from headwater.engines.cassandra.protocol.replies import Answer, NotApplied
from headwater.engines.cassandra.protocol.request import Pause, PlainWrite, Request
from headwater.engines.cassandra.protocol.requests import (
    AppendEvents,
    AppendLog,
    ConfirmKey,
    DeleteIntents,
    DropReservation,
    FenceChunk,
    InsertIntent,
    ListSlots,
    ReadBucketSerially,
    ReadCommand,
    ReadCommandSerially,
    ReadCounts,
    ReadKeySerially,
    ReadRows,
    ReadRowSerially,
    ReadSettled,
    ReadStatics,
    ReserveKey,
    ScanSlot,
    WriteCommand,
    WriteCount,
    WriteLogged,
    WriteNames,
    WriteSettled,
)
from headwater.engines.cassandra.protocol.rows import (
    Bucket,
    ChunkKey,
    CommandSeen,
    EventRow,
    Intent,
    LogRow,
    RowSeen,
    Statics,
)
from headwater.engines.cassandra.protocol.shape import Shape
from tests.cassandra.simulator.chance import Chance
from tests.cassandra.simulator.index_table import IndexTable
from tests.cassandra.simulator.key_table import KeyTable
from tests.cassandra.simulator.key_truth import KeyTruth
from tests.cassandra.simulator.partition import DELETED, Cell, Fate, Partition
from tests.cassandra.simulator.partitions import Partitions
from tests.cassandra.simulator.truth import Truth
from tests.cassandra.simulator.violation import Violation

__all__ = ["TrimBucket", "World"]

NO_EVENT = NewEvent(event_id=b"", type="", schema=0, data=b"")


class TrimBucket(PlainWrite, frozen=True):
    """A range of rows of the log is deleted, a whole bucket; its statics stay."""

    part: int
    bucket: int


class World:
    """The tables of one partition of the log."""

    def __init__(self, chance: Chance, shape: Shape, commits_late: bool = False) -> None:
        self.chance = chance
        self.partitions = Partitions(chance, commits_late, self._decided)
        """Chunks by stream and number, buckets by number, keys by themselves."""
        self._keys = KeyTable(self.partitions)
        self.truth = Truth(shape, self._has_intent, KeyTruth(self._keys.names))
        self.intents: dict[int, dict[bytes, Cell[Intent]]] = {}
        self.indexes = IndexTable(chance, self.truth.log)
        self.logged: dict[ChunkKey, Cell[int]] = {}
        self.offsets: dict[ChunkKey, dict[int, Cell[int]]] = {}
        """Of the rows of each chunk, by version."""
        self.settled: Cell[int] = Cell()
        self._slots: dict[bytes, int] = {}
        self._doing = self._handlers()

    def perform(self, request: Request[object], fate: Fate) -> object:
        """The reply to a request, as it is if it reaches the one who asked."""
        return self._doing[type(request)](request, fate)

    def repair(self) -> None:
        """Every plain write spreads from the minority that holds it, or vanishes."""
        cells: list[Cell[Intent]] = [cell for slot in self.intents.values() for cell in slot.values()]
        for cell in cells:
            cell.repair(self.chance)
        for key in sorted(self.logged):
            for one in (self.logged[key], *self.offsets[key].values()):
                one.repair(self.chance)
        self.indexes.repair()
        self.settled.repair(self.chance)

    def intents_left(self) -> int:
        return sum(cell.read(self.chance) is not None for slot in self.intents.values() for cell in slot.values())

    def check_end(self) -> None:
        """Nothing happens any more."""
        self.truth.check_end()
        self.indexes.check_end()
        for entry in self.truth.log:
            cell = self.offsets.get((entry.stream, entry.chunk), {}).get(entry.row.version)
            if cell is None or cell.held is None or cell.held[1] != entry.offset:
                raise Violation("I8 an event is settled without its offset")
        if self.intents_left():
            raise Violation("STUCK an intent is never deleted")

    def _decided(self, key: Hashable, statics: Mapping[str, object], rows: Mapping[int, object]) -> None:
        if isinstance(key, int):
            self.truth.logged(cast("Mapping[int, LogRow]", rows))
        elif isinstance(key, tuple) and rows:
            self.truth.appended(cast("ChunkKey", key), statics, cast("Mapping[int, EventRow]", rows))

    # -- the operations ----------------------------------------------------------------------------------------------

    def _handlers(self) -> dict[type, Callable[[Request[object], Fate], object]]:
        doing: dict[type, object] = {
            ReadStatics: self._read_statics,
            ReadRows: self._read_rows,
            ReadRowSerially: self._read_row,
            ReadCommand: self._read_command,
            ReadCommandSerially: self._read_command_serially,
            AppendEvents: self._append_events,
            FenceChunk: self._fence_chunk,
            WriteLogged: self._write_logged,
            InsertIntent: self._insert_intent,
            DeleteIntents: self._delete_intents,
            ScanSlot: self._scan_slot,
            ListSlots: self._list_slots,
            ReadSettled: self._read_settled,
            WriteSettled: self._write_settled,
            ReadBucketSerially: self._read_bucket,
            AppendLog: self._append_log,
            TrimBucket: self._trim_bucket,
            WriteNames: self.indexes.write_names,
            WriteCount: self.indexes.write_count,
            WriteCommand: self.indexes.write_command,
            ReadCounts: self.indexes.read_counts,
            ReadKeySerially: self._keys.read,
            ReserveKey: self._keys.reserve,
            ConfirmKey: self._keys.confirm,
            DropReservation: self._keys.drop,
            Pause: self._pause,
        }
        return cast("dict[type, Callable[[Request[object], Fate], object]]", doing)

    def _pause(self, _: Pause, __: Fate) -> None:
        """Something else goes on."""

    def _statics(self, key: ChunkKey, statics: Mapping[str, object]) -> Statics:
        cell = self.logged.get(key)
        logged = None if cell is None else cell.read(self.chance)
        head, fence = cast("int | None", statics.get("head")), cast("int | None", statics.get("fence"))
        time = cast("int | None", statics.get("time"))
        partition_key = cast("str | None", statics.get("partition_key"))
        return Statics(head, fence, logged, time, partition_key)

    def _read_statics(self, request: ReadStatics, _: Fate) -> Statics:
        key = (request.stream, request.chunk)
        return self._statics(key, self.partitions.of(key).seen_statics(self.chance))

    def _read_rows(self, request: ReadRows, _: Fate) -> list[EventRow]:
        rows = self._seen_rows((request.stream, request.chunk))
        found = [version for version in rows if version >= request.start]
        return _without_bare([rows[version] for version in sorted(found)[: request.limit]])

    def _seen_rows(self, key: ChunkKey) -> dict[int, EventRow]:
        """What a read at QUORUM sees, where of a row that is not committed yet no more than the offset may be there."""
        seen = cast("Mapping[int, EventRow]", self.partitions.of(key).seen_rows(self.chance))
        bare = {version for version, cell in self.offsets.get(key, {}).items() if cell.read(self.chance) is not None}
        return {version: EventRow(version, b"", -1, NO_EVENT) for version in bare} | dict(seen)

    def _read_row(self, request: ReadRowSerially, _: Fate) -> RowSeen:
        key = (request.stream, request.chunk)
        partition = self.partitions.resolved(key)
        row = cast("EventRow | None", partition.rows.get(request.version))
        return RowSeen(self._statics(key, partition.statics), row)

    def _read_command(self, request: ReadCommand, _: Fate) -> CommandSeen:
        key = (request.stream, request.chunk)
        statics = self._statics(key, self.partitions.of(key).seen_statics(self.chance))
        return _command_seen(statics, self._seen_rows(key).values(), request.command)

    def _read_command_serially(self, request: ReadCommandSerially, _: Fate) -> CommandSeen:
        key = (request.stream, request.chunk)
        partition = self.partitions.resolved(key)
        rows = cast("Mapping[int, EventRow]", partition.rows)
        return _command_seen(self._statics(key, partition.statics), rows.values(), request.command)

    def _append_events(self, request: AppendEvents, fate: Fate) -> Answer[Statics]:
        key = (request.stream, request.chunk)
        expected = {"head": request.head, "fence": request.fence}
        statics = {"head": request.new_head, "time": request.new_time, "partition_key": request.partition_key}
        rows = {row.version: row for row in request.rows}
        return self._answer(key, self.partitions.compare_and_set(key, expected, statics, rows, fate))

    def _fence_chunk(self, request: FenceChunk, fate: Fate) -> Answer[Statics]:
        key = (request.stream, request.chunk)
        expected = {"head": request.head, "fence": request.fence}
        return self._answer(key, self.partitions.compare_and_set(key, expected, {"fence": request.new_fence}, {}, fate))

    def _answer(self, key: ChunkKey, answer: Answer[Partition]) -> Answer[Statics]:
        return NotApplied(self._statics(key, answer.row.statics)) if isinstance(answer, NotApplied) else answer

    def _write_logged(self, request: WriteLogged, fate: Fate) -> bool:
        self.truth.settled_chunk(request)
        self.indexes.logged(request)
        key = (request.stream, request.chunk)
        cell = self.logged.setdefault(key, Cell())
        cell.write(request.timestamp, request.version, fate)
        offsets = self.offsets.setdefault(key, {})
        for version, offset in request.offsets:
            offsets.setdefault(version, Cell()).write(request.timestamp, offset, fate)
        return True

    def _insert_intent(self, request: InsertIntent, fate: Fate) -> bool:
        intent = request.intent
        self._slots[intent.attempt] = intent.slot
        cell = self.intents.setdefault(intent.slot, {}).setdefault(intent.attempt, Cell())
        cell.write(request.timestamp, intent, fate)
        return True

    def _delete_intents(self, request: DeleteIntents, fate: Fate) -> bool:
        for attempt in request.attempts:
            if not self.truth.is_logged(attempt):
                raise Violation("COVER an intent is deleted before its events are logged")
            cell = self.intents.setdefault(request.slot, {}).setdefault(attempt, Cell())
            cell.write(request.timestamp, DELETED, fate)
        return True

    def _has_intent(self, attempt: bytes) -> bool:
        slot = self._slots.get(attempt)
        held = None if slot is None else self.intents[slot][attempt].held
        return held is not None and held[1] is not DELETED

    def _scan_slot(self, request: ScanSlot, _: Fate) -> list[Intent]:
        cells = self.intents.get(request.slot, {})
        return [found for attempt in sorted(cells) if (found := cells[attempt].read(self.chance)) is not None]

    def _list_slots(self, request: ListSlots, _: Fate) -> list[int]:
        return [slot for slot, cells in self.intents.items() if any(cell.read(self.chance) for cell in cells.values())]

    def _read_settled(self, request: ReadSettled, _: Fate) -> int | None:
        return self.settled.read(self.chance)

    def _write_settled(self, request: WriteSettled, fate: Fate) -> bool:
        self.indexes.settled(request.offset)
        self.settled.write(request.timestamp, request.offset, fate)
        return True

    def _read_bucket(self, request: ReadBucketSerially, _: Fate) -> Bucket:
        partition = self.partitions.resolved(request.bucket)
        rows = cast("dict[int, LogRow]", partition.rows)
        behind = tuple([rows[offset].logged for offset in sorted(rows) if offset > request.after])
        head, time = partition.statics.get("head"), partition.statics.get("log_time")
        return Bucket(cast("int | None", head), cast("int | None", time), behind)

    def _append_log(self, request: AppendLog, fate: Fate) -> Answer[int | None]:
        last = request.rows[-1]
        statics = {"head": last.offset, "log_time": last.log_time}
        rows = {row.offset: row for row in request.rows}
        answer = self.partitions.compare_and_set(request.bucket, {"head": request.head}, statics, rows, fate)
        return (
            NotApplied(cast("int | None", answer.row.statics.get("head"))) if isinstance(answer, NotApplied) else answer
        )

    def _trim_bucket(self, request: TrimBucket, _: Fate) -> bool:
        self.partitions.of(request.bucket).rows.clear()
        return True


def _without_bare(rows: Iterable[EventRow]) -> list[EventRow]:
    """A row of which only the offset is there is none."""
    return [row for row in rows if row.attempt]


def _command_seen(statics: Statics, seen: Iterable[EventRow], command: str) -> CommandSeen:
    rows = sorted(_without_bare(seen), key=lambda row: row.version)
    found, last = None, 0
    for row in rows:
        if row.first is not None and row.first.command is not None and row.first.command.id == command:
            found, last = row, row.version
        elif found is not None and row.attempt == found.attempt:
            last = row.version
    return CommandSeen(statics, found, last, len(rows), rows[-1].version if rows else 0)

"""Truth: what was decided, and what must never be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from headwater.engines.cassandra.protocol.outcomes import Committed, Outcome, OutcomeUnknown
from headwater.engines.cassandra.protocol.requests import WriteLogged
from headwater.engines.cassandra.protocol.rows import ChunkKey, CommandSeen, EventRow, LogRow
from headwater.engines.cassandra.protocol.shape import Shape
from tests.cassandra.simulator.key_truth import KeyTruth
from tests.cassandra.simulator.violation import Violation

__all__ = ["Truth"]


class Truth:
    """Sees every write at the instant it is decided, whoever may know of it."""

    def __init__(self, shape: Shape, has_intent: Callable[[bytes], bool], keys: KeyTruth) -> None:
        self._shape = shape
        self._has_intent = has_intent
        self.keys = keys
        self.events: dict[tuple[str, int], EventRow] = {}
        self.heads: dict[ChunkKey, int] = {}
        self.log: list[LogRow] = []
        self.commands: dict[tuple[str, str], int] = {}
        """Stream and command: the last version at which it committed."""
        self.replays = 0
        self._versions: dict[str, int] = {}
        self._times: dict[str, int] = {}
        self._partition_keys: dict[str, object] = {}
        self._logged: dict[str, int] = {}
        self._attempts: dict[bytes, list[EventRow]] = {}
        self._streams: dict[bytes, str] = {}
        self._failed: list[tuple[str, EventRow]] = []

    def appended(self, key: ChunkKey, statics: Mapping[str, object], rows: Mapping[int, EventRow]) -> None:
        """Events of a stream are decided."""
        stream = key[0]
        for version, row in sorted(rows.items()):
            if version != self._versions.get(stream, 0) + 1:
                raise Violation("I5 a stream forks")
            if row.time <= self._times.get(stream, -1):
                raise Violation("I11 a stream's time does not rise")
            self._times[stream] = row.time
            self.events[stream, version] = row
            self._versions[stream] = version
            self._attempts.setdefault(row.attempt, []).append(row)
            self._streams[row.attempt] = stream
            if row.first is not None:
                self.keys.appended(stream, row)
                if row.first.command is not None:
                    self._committed_command(stream, version, row.first.command.id)
            if not self._has_intent(row.attempt):
                raise Violation("COVER an event without an intent is committed")
        if self._partition_keys.setdefault(stream, statics["partition_key"]) != statics["partition_key"]:
            raise Violation("I11 a stream has two partition keys")
        self.heads[key] = self._versions[stream]

    def _committed_command(self, stream: str, version: int, command: str) -> None:
        before = self.commands.get((stream, command))
        if before is not None and version - before < self._shape.events_per_chunk:
            raise Violation("I6 a command commits twice")
        self.commands[stream, command] = version

    def logged(self, rows: Mapping[int, LogRow]) -> None:
        """Rows of the log are decided."""
        for offset, entry in sorted(rows.items()):
            stream, version = entry.stream, entry.row.version
            if offset < len(self.log):
                raise Violation("I1 an offset is written again")
            if offset != len(self.log) or entry.offset != offset:
                raise Violation("I1 the log has a gap")
            if self.events.get((stream, version)) != entry.row:
                raise Violation("I2 what is logged was not committed")
            if version <= self._logged.get(stream, 0):
                raise Violation("I2 an event is logged twice")
            if version != self._logged.get(stream, 0) + 1:
                raise Violation("I3 a stream is out of order in the log")
            if entry.log_time != max(entry.row.time, (self.log[-1].log_time if self.log else -1) + 1):
                raise Violation("I7 a log time does not follow from the one before")
            self.log.append(entry)
            self._logged[stream] = version

    def settled_chunk(self, write: WriteLogged) -> None:
        """Somebody says of a chunk up to which version it is logged, and where."""
        if write.version > self._logged.get(write.stream, 0):
            raise Violation("I8 a chunk is said to be logged further than it is")
        for version, offset in write.offsets:
            entry = self.log[offset] if offset < len(self.log) else None
            if entry is None or (entry.stream, entry.chunk, entry.row.version) != (write.stream, write.chunk, version):
                raise Violation("I8 an event is said to be logged where it is not")

    def is_logged(self, attempt: bytes) -> bool:
        """Whether everything that an attempt committed is in the log."""
        rows = self._attempts.get(attempt)
        return rows is None or rows[-1].version <= self._logged.get(self._streams[attempt], 0)

    def reported(self, stream: str, first: EventRow, outcome: Outcome) -> None:
        """What a caller was told of the append with this first row."""
        committed = self.events.get((stream, first.version)) is first
        if isinstance(outcome, Committed) and not committed:
            raise Violation("I4 said to be committed, and is not")
        if not isinstance(outcome, Committed | OutcomeUnknown):
            if committed:
                raise Violation("I4 said to have failed, and is committed")
            self._failed.append((stream, first))

    def replayed(self, stream: str, command: str, seen: CommandSeen) -> None:
        """A caller was told what its command committed before."""
        row = cast("EventRow", seen.row)
        rows = self._attempts.get(row.attempt, [])
        told = row.first is not None and row.first.command is not None and row.first.command.id == command
        if not told or not rows or rows[0] != row or rows[-1].version != seen.last_version:
            raise Violation("I6 another outcome is given for a command")
        self.replays += 1

    def check_end(self) -> None:
        """Nothing happens any more."""
        if any(self.events.get((stream, first.version)) is first for stream, first in self._failed):
            raise Violation("I4 said to have failed, and is committed")
        if len(self.log) != len(self.events):
            raise Violation("I2 an event is lost")

"""Index table: what is written beside the log, and can be found without reading it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from headwater.engines.cassandra.protocol.requests import (
    ReadCounts,
    WriteCommand,
    WriteCount,
    WriteLogged,
    WriteNames,
)
from headwater.engines.cassandra.protocol.rows import Count, LogRow
from tests.cassandra.simulator.chance import Chance
from tests.cassandra.simulator.index_truth import IndexTruth, category_of, command_of
from tests.cassandra.simulator.partition import Cell, Deleted, Fate
from tests.cassandra.simulator.violation import Violation

__all__ = ["IndexTable"]

V = TypeVar("V")


class IndexTable:
    """Names of streams, counts of them, and places of commands, in cells that are written plainly."""

    def __init__(self, chance: Chance, log: Sequence[LogRow]) -> None:
        self._chance = chance
        self._log = log
        self._truth = IndexTruth(log)
        self._names: dict[tuple[str, str], Cell[bool]] = {}
        """By category and stream."""
        self._counts: dict[str, Cell[Count]] = {}
        self._commands: dict[str, Cell[int]] = {}
        self._checked = 0

    def write_names(self, request: WriteNames, fate: Fate) -> bool:
        self._truth.named(request)
        for stream in request.streams:
            cell = self._names.setdefault((request.category, stream), Cell())
            cell.write(request.timestamp, True, fate)
        return True

    def write_count(self, request: WriteCount, fate: Fate) -> bool:
        self._truth.counted(request)
        cell = self._counts.setdefault(request.category, Cell())
        cell.write(request.timestamp, Count(request.streams, request.offset), fate)
        return True

    def write_command(self, request: WriteCommand, fate: Fate) -> bool:
        self._truth.placed(request)
        cell = self._commands.setdefault(request.command, Cell())
        cell.write(request.timestamp, request.offset, fate)
        return True

    def read_counts(self, _: ReadCounts, __: Fate) -> dict[str, Count]:
        seen = {category: cell.read(self._chance) for category, cell in self._counts.items()}
        return {category: count for category, count in seen.items() if count is not None}

    def repair(self) -> None:
        for name in self._names.values():
            name.repair(self._chance)
        for count in self._counts.values():
            count.repair(self._chance)
        for place in self._commands.values():
            place.repair(self._chance)

    def logged(self, write: WriteLogged) -> None:
        """Somebody tells a chunk that rows of it are logged: nothing that follows may be missing on a quorum."""
        for _, offset in write.offsets:
            self._check(self._log[offset], offset)

    def settled(self, offset: int) -> None:
        """Somebody says that everything up to an offset is settled: the same."""
        for entry in self._log[self._checked : offset + 1]:
            self._check(entry, offset)
        self._checked = max(self._checked, offset + 1)

    def check_end(self) -> None:
        """Nothing happens any more, and everything is settled."""
        self._checked = 0
        self.settled(len(self._log) - 1)

    def _check(self, entry: LogRow, offset: int) -> None:
        category, command = category_of(entry.stream), command_of(entry)
        if entry.row.version == 1:
            if _held(self._names.get((category, entry.stream))) is None:
                raise Violation("I13 a stream is logged without its name")
            count = _held(self._counts.get(category))
            if count is None or count.streams < self._truth.births(category, offset):
                raise Violation("I13 a stream is logged and not counted")
        if command is not None:
            place = _held(self._commands.get(command))
            if place is None or place < entry.offset:
                raise Violation("I13 a command is logged without its place")


def _held(cell: Cell[V] | None) -> V | None:
    """What a quorum holds, whatever else a minority does."""
    held = None if cell is None or cell.held is None else cell.held[1]
    return None if isinstance(held, Deleted) else held

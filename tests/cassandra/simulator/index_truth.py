"""Index truth: what the log says of streams and commands."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.engines.cassandra.protocol.requests import WriteCommand, WriteCount, WriteNames
from headwater.engines.cassandra.protocol.rows import LogRow
from tests.cassandra.simulator.violation import Violation

__all__ = ["IndexTruth", "category_of", "command_of"]


def category_of(stream: str) -> str:
    return stream.split("-", 1)[0]


def command_of(entry: LogRow) -> str | None:
    """The command whose append begins with a row."""
    first = entry.row.first
    return None if first is None or first.command is None else first.command.id


class IndexTruth:
    """Sees everything that is written into the indexes, and compares it with the log as it is decided."""

    def __init__(self, log: Sequence[LogRow]) -> None:
        self._log = log

    def births(self, category: str, offset: int) -> int:
        """How many streams of a category begin at or below an offset."""
        rows = self._log[: offset + 1]
        return sum(entry.row.version == 1 and category_of(entry.stream) == category for entry in rows)

    def named(self, write: WriteNames) -> None:
        begun = {entry.stream for entry in self._log}
        if any(stream not in begun or category_of(stream) != write.category for stream in write.streams):
            raise Violation("I12 a stream is named that is not in the log")

    def counted(self, write: WriteCount) -> None:
        if write.offset >= len(self._log) or write.streams != self.births(write.category, write.offset):
            raise Violation("I12 streams are counted that are not there, or twice")

    def placed(self, write: WriteCommand) -> None:
        if write.offset >= len(self._log) or command_of(self._log[write.offset]) != write.command:
            raise Violation("I12 a command is said to be where it is not")

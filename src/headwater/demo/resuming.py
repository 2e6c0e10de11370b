"""Resuming: which lines an earlier run has committed, read from the log itself."""

from __future__ import annotations

from headwater import CQRSManager
from headwater.demo.data import Source
from headwater.demo.events import LineEvent
from headwater.errors import StoreMismatch

__all__ = ["StoredLines", "stored_lines"]


class StoredLines:
    """A set of line numbers, one byte each."""

    def __init__(self) -> None:
        self._marks = bytearray()
        self._count = 0

    def add(self, line: int) -> None:
        if line >= len(self._marks):
            self._marks.extend(bytes(line + 1_000 - len(self._marks)))
        self._count += not self._marks[line]
        self._marks[line] = 1

    def __contains__(self, line: int) -> bool:
        return line < len(self._marks) and self._marks[line] == 1

    def __len__(self) -> int:
        return self._count


async def stored_lines(cqrs: CQRSManager, source: Source) -> StoredLines:
    """The lines whose command, by its id, is committed.

    Raises StoreMismatch if the store holds invoices of another file, whose figures would be mixed with these.
    """
    found = StoredLines()
    async for event in cqrs.read_log(category="invoice"):
        if not isinstance(event.data, LineEvent):
            continue
        line = event.data.line
        if source.command_id(line).encode() not in event.stored.context:
            raise StoreMismatch("this store holds invoices of other data: name another file with --engine")
        found.add(line)
    return found

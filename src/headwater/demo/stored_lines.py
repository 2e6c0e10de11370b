"""StoredLines: which lines of a file an earlier run has committed."""

from __future__ import annotations

__all__ = ["StoredLines"]


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

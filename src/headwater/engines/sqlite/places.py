"""Places: where this process's latest appends lie in the log. What is committed never moves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.domain.append import Written

__all__ = ["Places"]

_KEPT: Final = 1_000


class Places:
    """Offsets by stream and version, of committed events only: who waits for their own write asks for just these."""

    def __init__(self) -> None:
        self._offsets: dict[tuple[str, int], int] = {}

    def remember(self, writes: Iterable[Written], last_offsets: Iterable[int]) -> None:
        """Keep the place of each write's last event, and forget the oldest."""
        for written, offset in zip(writes, last_offsets, strict=True):
            self._offsets[written.stream, written.last] = offset
        while len(self._offsets) > _KEPT:
            del self._offsets[next(iter(self._offsets))]

    def find(self, stream: str, version: int) -> int | None:
        """The offset, if it is remembered."""
        return self._offsets.get((stream, version))

    def clear(self) -> None:
        """Forget everything: another file may be opened next."""
        self._offsets.clear()

"""Places: where this process's latest appends lie in the log. What is committed never moves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headwater.domain.append import Written

__all__ = ["Places"]

_KEPT: Final = 1_000


class Places:
    """By stream and version, of committed events only: who waits for their own write asks for just these."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, int], tuple[int, int]] = {}

    def remember(self, writes: Iterable[Written], last: Iterable[tuple[int, int]]) -> None:
        """Keep partition and offset of each write's last event, and forget the oldest."""
        for written, place in zip(writes, last, strict=True):
            self._places[written.stream, written.last] = place
        while len(self._places) > _KEPT:
            del self._places[next(iter(self._places))]

    def find(self, stream: str, version: int) -> tuple[int, int] | None:
        """Partition and offset, if they are remembered."""
        return self._places.get((stream, version))

    def clear(self) -> None:
        """Forget everything: another store may be opened next."""
        self._places.clear()

"""PageSize: how many events the next page may have, so that none takes too many bytes or too long."""

from __future__ import annotations

from headwater.projections.parts import RunnerOptions

__all__ = ["PageSize"]


class PageSize:
    """Shrinks to what fits after a page that was too much; grows back by doubling, up to `most`, never below 1."""

    def __init__(self, most: int, options: RunnerOptions) -> None:
        self._most = self._size = most
        self._bytes = options.batch_bytes
        self._seconds = options.batch_seconds

    def next(self) -> int:
        """How many events to ask for."""
        return self._size

    def took(self, events: int, bytes: int, seconds: float) -> None:
        """Learn from a page: its events, the bytes of their payload, and the seconds to handle and commit them."""
        if events < 1:
            return
        load = max(bytes / self._bytes, seconds / self._seconds)
        fitting = self._most if load * self._most <= events else int(events / load)
        if load > 1:
            self._size = max(1, min(self._size, fitting))
        else:
            self._size = max(self._size, min(2 * self._size, fitting, self._most))

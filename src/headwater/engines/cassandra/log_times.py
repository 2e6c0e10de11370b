"""Log times: when events came into the log, by which what follows from them is stamped."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Session

__all__ = ["LogTimes"]

_PAGES: Final = 16
"""Of the log that were read last in each partition: what follows from them is about to be written."""


class LogTimes:
    """Read from the log, where they are fixed for good.

    Of an offset that this store's log does not have, as that of a read side that follows another store's log, the
    time is one microsecond later for each offset behind the last one it has, or behind 1970.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shape = Shape()
        self._pages = defaultdict[int, deque[tuple[int, Sequence[int]]]](lambda: deque(maxlen=_PAGES))
        """By partition: the first offset of a page, and the times of its rows."""

    def start(self, shape: Shape) -> None:
        """Look at a store of this shape."""
        self._shape = shape
        self._pages.clear()

    def saw(self, partition: int, start: int, times: Sequence[int]) -> None:
        """These are the times of rows that follow on each other in the log."""
        if times:
            self._pages[partition].append((start, times))

    async def of(self, partition: int, offsets: Iterable[int]) -> Mapping[int, int]:
        """In microseconds since 1970, by offset."""
        wanted = sorted({offset for offset in offsets if offset >= 0})
        found = {offset: time for offset in wanted if (time := self._seen(partition, offset)) is not None}
        unseen = [offset for offset in wanted if offset not in found]
        for bucket in sorted({self._shape.bucket_of(offset) for offset in unseen}):
            mine = [offset for offset in unseen if self._shape.bucket_of(offset) == bucket]
            rows = await self._session.rows("read_log_times", partition, bucket, mine[0], mine[-1])
            found.update(cast("list[tuple[int, int]]", rows))
        missing = [offset for offset in wanted if offset not in found]
        if missing:
            last, time = await self._last(partition, missing[0])
            found.update((offset, time + offset - last) for offset in missing)
        return found

    def _seen(self, partition: int, offset: int) -> int | None:
        for start, times in reversed(self._pages[partition]):
            if start <= offset < start + len(times):
                return times[offset - start]
        return None

    async def _last(self, partition: int, offset: int) -> tuple[int, int]:
        row = await self._session.row("read_last_log_time", partition, self._shape.bucket_of(offset), offset)
        return (-1, 0) if row is None or row[0] is None else cast("tuple[int, int]", row)

"""Log times: when events came into the log, by which what follows from them is stamped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Session

__all__ = ["LogTimes"]


class LogTimes:
    """Read from the log, where they are fixed for good.

    Of an offset that this store's log does not have, as that of a read side that follows another store's log, the
    time is one microsecond later for each offset behind the last one it has, or behind 1970.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shape = Shape()

    def start(self, shape: Shape) -> None:
        """Look at a store of this shape."""
        self._shape = shape

    async def of(self, partition: int, offsets: Iterable[int]) -> Mapping[int, int]:
        """In microseconds since 1970, by offset."""
        wanted = sorted({offset for offset in offsets if offset >= 0})
        found = dict[int, int]()
        for bucket in sorted({self._shape.bucket_of(offset) for offset in wanted}):
            mine = [offset for offset in wanted if self._shape.bucket_of(offset) == bucket]
            rows = await self._session.rows("read_log_times", partition, bucket, mine[0], mine[-1])
            found.update(cast("list[tuple[int, int]]", rows))
        missing = [offset for offset in wanted if offset not in found]
        if missing:
            last, time = await self._last(partition, missing[0])
            found.update((offset, time + offset - last) for offset in missing)
        return found

    async def _last(self, partition: int, offset: int) -> tuple[int, int]:
        row = await self._session.row("read_last_log_time", partition, self._shape.bucket_of(offset), offset)
        return (-1, 0) if row is None or row[0] is None else cast("tuple[int, int]", row)

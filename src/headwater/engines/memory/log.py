"""Log: one list a partition, the offset its index."""

from __future__ import annotations

from typing import Final

from headwater.domain.event import StoredEvent
from headwater.domain.version import check_count
from headwater.engines.memory.state import Part
from headwater.errors import InvalidVersion
from headwater.ports.log import LogFilter, LogPage

__all__ = ["MemoryLog"]

_LOOKED_AT: Final = 1_000
"""Rows looked at for one page, unless more are asked for."""
_EVERYTHING_VISIBLE: Final = LogFilter()


class MemoryLog(Part):
    @property
    def partitions(self) -> int:
        return len(self._store.log)

    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        log = self._partition(partition)
        check_count(start, "offset")
        check_count(limit, "limit")
        wanted = only or _EVERYTHING_VISIBLE
        events: list[StoredEvent] = []
        next = start
        for event in log[start : start + max(limit, _LOOKED_AT)]:
            if len(events) == limit:
                break
            next = event.offset + 1
            if wanted.matches(event):
                events.append(event)
        return LogPage(events, next)

    async def head(self, partition: int) -> int:
        return len(self._partition(partition))

    def partition_of(self, key: str) -> int:
        return self._store.partition_of(key)

    async def offset_of(self, stream: str, version: int) -> tuple[int, int] | None:
        events = self._state.events_of(stream)
        if not 1 <= version <= len(events):
            return None
        event = events[version - 1]
        return event.partition, event.offset

    def _partition(self, partition: int) -> list[StoredEvent]:
        log = self._state.log
        if check_count(partition, "partition") >= len(log):
            raise InvalidVersion(f"there is no partition {partition}: this log has {len(log)}, from 0")
        return log[partition]

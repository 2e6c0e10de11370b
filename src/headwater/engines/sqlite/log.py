"""Log: one partition, the offset its primary key."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import Final, cast

import apsw
import msgspec

from headwater.domain.version import check_count
from headwater.engines.sql.places import Places
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.stored import PAGE, SHORT, EventPage, EventRow, stored_events, stored_rows
from headwater.errors import InvalidVersion
from headwater.ports.log import LogFilter, LogPage

__all__ = ["SqliteLog"]

_LOOKED_AT: Final = 10_000
"""Rows looked at for one page of a filter."""
_EVERYTHING_VISIBLE: Final = LogFilter()


class SqliteLog:
    def __init__(self, sql: Statements, readers: Readers, places: Places) -> None:
        self._sql = sql
        self._readers = readers
        self._places = places

    @property
    def partitions(self) -> int:
        return 1

    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        _check_partition(partition)
        check_count(start, "offset")
        check_count(limit, "limit")
        return await self._readers.run(self._read, start, min(limit, PAGE), only or _EVERYTHING_VISIBLE)

    async def head(self, partition: int) -> int:
        _check_partition(partition)
        return await self._readers.run(self._head)

    def partition_of(self, key: str) -> int:
        return 0

    async def offset_of(self, stream: str, version: int) -> tuple[int, int] | None:
        place = self._places.find(stream, version)
        return place or await self._readers.run(self._offset_of, stream, version)

    def _read(self, connection: apsw.Connection, start: int, limit: int, only: LogFilter) -> LogPage:
        if limit == 0:
            return LogPage([], start)
        found = connection.execute(self._sql["read_log_tail"], (start, SHORT + 1))
        rows = cast("list[EventRow]", found.fetchall())
        if len(rows) <= SHORT:
            return _short_page(rows, start, limit, only)
        return self._read_long(connection, start, limit, only)

    def _read_long(self, connection: apsw.Connection, start: int, limit: int, only: LogFilter) -> LogPage:
        end = start + _LOOKED_AT
        rows = PAGE if only.metadata else limit  # metadata lies in the context, which only we can read
        wanted = only.hidden, _listed(only.types), _listed(only.categories), only.since, only.until, only.stream
        row = connection.execute(self._sql["read_log"], (start, end, *wanted, rows)).get
        *page, head = cast("tuple[bytes, bytes | None, bytes | None, bytes | None, int]", row)
        events = stored_events(cast("EventPage", tuple(page)))
        next = events[-1].offset + 1 if len(events) == rows else max(start, min(end, head))
        if only.metadata:
            events = [event for event in events if only.matches(event)][:limit]
        return LogPage(events, events[-1].offset + 1 if len(events) == limit else next)

    def _head(self, connection: apsw.Connection) -> int:
        return cast("int", connection.execute(self._sql["read_log_head"]).get)

    def _offset_of(self, connection: apsw.Connection, stream: str, version: int) -> tuple[int, int] | None:
        offset = connection.execute(self._sql["find_offset"], (stream, version)).get
        return None if offset is None else (0, cast("int", offset))


def _short_page(rows: list[EventRow], start: int, limit: int, only: LogFilter) -> LogPage:
    """What is wanted of the last few events of the log."""
    wanted = stored_rows(rows, limit, only)
    last = wanted[-1].offset if len(wanted) == limit else rows[-1][0] if rows else start - 1
    return LogPage(wanted, last + 1)


def _check_partition(partition: int) -> None:
    if check_count(partition, "partition") != 0:
        raise InvalidVersion(f"there is no partition {partition}: this log has 1, from 0")


def _listed(names: tuple[str, ...]) -> str | None:
    return msgspec.json.encode(names).decode() if names else None

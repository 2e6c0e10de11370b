"""Admin: counts, checks, and what endangers the promises."""

# apsw's annotations name a type of Python 3.12:
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, cast

import apsw

from headwater.domain.version import check_count
from headwater.engines.sql.stream_range import stream_range
from headwater.engines.sqlite.location import Location
from headwater.engines.sqlite.open_files import OpenFiles
from headwater.engines.sqlite.readers import Readers
from headwater.engines.sqlite.statements import Statements
from headwater.engines.sqlite.verification import Verification
from headwater.ports.admin import Finding, StoreInfo, StreamInfo

__all__ = ["SqliteAdmin"]

_LONG_LOG: Final = 256 << 20
"""Bytes of write-ahead log that tell of a reader that does not end."""


class SqliteAdmin:
    def __init__(self, sql: Statements, readers: Readers, location: Location, files: OpenFiles) -> None:
        self._sql = sql
        self._readers = readers
        self._location = location
        self._files = files

    async def info(self) -> StoreInfo:
        return await self._readers.run(self._info)

    async def streams(self, after: str = "", limit: int = 100, category: str | None = None) -> Sequence[StreamInfo]:
        check_count(limit, "limit")
        return await self._readers.run(self._streams, after, limit, category)

    async def verify(self) -> AsyncIterator[Finding | int]:
        verification = Verification(self._sql)
        is_done = False
        while not is_done:
            findings, is_done = await self._readers.run(verification.step)
            for finding in findings:
                yield finding
            yield verification.checked

    async def doctor(self) -> Sequence[Finding]:
        return await self._readers.run(self._doctor)

    def _info(self, connection: apsw.Connection) -> StoreInfo:
        format, store_id, *_ = cast("tuple[int, str]", connection.execute(self._sql["read_identity"]).get)
        counts = cast("tuple[int, int, int, int]", connection.execute(self._sql["count_store"]).get)
        events, streams, pages, page_size = counts
        return StoreInfo(
            engine="sqlite",
            store_id=store_id,
            format=format,
            partitions=1,
            events=events,
            streams=streams,
            size_bytes=pages * page_size,
            details={
                "path": str(self._location.path),
                "sqlite": apsw.sqlite_lib_version(),
                "synchronous": self._location.synchronous,
                "log_bytes": str(_log_bytes(self._location.path)),
            },
        )

    def _streams(
        self, connection: apsw.Connection, after: str, limit: int, category: str | None
    ) -> Sequence[StreamInfo]:
        rows = connection.execute(self._sql["list_streams"], (*stream_range(after, category), limit))
        return [
            StreamInfo(stream=name, version=version, last_timestamp=timestamp, partition_key=key)
            for name, version, timestamp, key in cast("list[tuple[str, int, int, str | None]]", rows.fetchall())
        ]

    def _doctor(self, _: apsw.Connection) -> Sequence[Finding]:
        path = self._location.path
        if replaced := self._files.replaced():
            what = "moved, deleted or replaced while this process had it open: writes are refused now"
            return [Finding(severity="error", what=what, where=name) for name in replaced]
        found: list[str] = []
        if self._location.synchronous != "FULL":
            found.append("synchronous=normal: a power cut loses what was acknowledged since the last checkpoint")
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            found.append("others on this machine may read or write the file: chmod 600")
        if _log_bytes(path) > _LONG_LOG:
            found.append("the write-ahead log is long: a reader or a backup does not come to its end")
        return [Finding(severity="warning", what=what, where=str(path)) for what in found]


def _log_bytes(path: Path) -> int:
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0

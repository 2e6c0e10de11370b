"""Admin: counts, checks, and what endangers the promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, cast

from headwater.domain.version import check_count
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.verification import Verification
from headwater.engines.sql.stream_range import stream_range
from headwater.ports.admin import Finding, StoreInfo, StreamInfo

__all__ = ["PostgresAdmin"]

_OLDEST: Final = 13
_UNSAFE: Final = {
    "fsync": "a crash of the machine may destroy the database",
    "full_page_writes": "a crash of the machine may leave pages half written",
    "synchronous_commit": "a crash of the server loses what was acknowledged in the last moments before it",
    "data_checksums": "damage to pages of other tables than the log is not noticed",
}
"""Settings that had better be on."""


class PostgresAdmin:
    def __init__(self, sql: Statements, pool: Pool, location: Location) -> None:
        self._sql = sql
        self._pool = pool
        self._location = location

    async def info(self) -> StoreInfo:
        row = await self._pool.row(self._sql["describe_store"], self._location.schema)
        store_id, format, partitions, events, streams, size, version, synchronous = cast(
            "tuple[str, int, int, int, int, int, str, str]", row
        )
        return StoreInfo(
            engine="postgres",
            store_id=store_id,
            format=format,
            partitions=partitions,
            events=events,
            streams=streams,
            size_bytes=size,
            details={
                "database": self._location.shown,
                "schema": self._location.schema,
                "server": version,
                "synchronous_commit": synchronous,
            },
        )

    async def streams(self, after: str = "", limit: int = 100, category: str | None = None) -> Sequence[StreamInfo]:
        check_count(limit, "limit")
        rows = await self._pool.fetch(self._sql["list_streams"], *stream_range(after, category), limit)
        return [
            StreamInfo(stream=name, version=version, last_timestamp=timestamp)
            for name, version, timestamp in cast("list[tuple[str, int, int]]", rows)
        ]

    async def verify(self) -> AsyncIterator[Finding | int]:
        verification = Verification(self._sql, self._pool)
        async for findings in verification.steps():
            for finding in findings:
                yield finding
            yield verification.checked

    async def doctor(self) -> Sequence[Finding]:
        row = await self._pool.row(self._sql["look_at_settings"], f"{self._sql.schema}.{self._sql.events}")
        settings = dict(zip(("version", "standby", "deletes", *_UNSAFE), cast("Sequence[object]", row), strict=True))
        found = [f"{name} is off: {danger}" for name, danger in _UNSAFE.items() if settings[name] == "off"]
        if cast("int", settings["version"]) < _OLDEST * 10_000:
            found.append(f"the server is older than PostgreSQL {_OLDEST}: upgrade it")
        if settings["standby"]:
            found.append("the server is a standby and takes no writes: name the primary in the URL")
        if settings["deletes"]:
            found.append("this role may delete events: let applications use one that may not")
        return [Finding(severity="warning", what=what, where=self._location.shown) for what in found]

"""Admin: counts, checks, and what endangers the promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias, cast

from headwater.domain.version import check_count
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.surroundings import IDLE, Surroundings, dangers
from headwater.engines.postgres.table import quoted
from headwater.engines.postgres.verification import Verification
from headwater.engines.sql.stream_range import stream_range
from headwater.ports.admin import Finding, StoreInfo, StreamInfo

__all__ = ["PostgresAdmin"]

_Glance: TypeAlias = tuple[str, int, int, int, int, int, str, str, str, int, str]
_Settings: TypeAlias = tuple[int, str, bool, bool, str, str, str, str, int, int, int]


class PostgresAdmin:
    def __init__(self, sql: Statements, pool: Pool, location: Location) -> None:
        self._sql = sql
        self._pool = pool
        self._location = location

    async def info(self) -> StoreInfo:
        row = await self._pool.row(self._sql["describe_store"], self._location.schema)
        store_id, format, partitions, events, streams, size, *_ = cast("_Glance", row)
        *_, version, synchronous, role, standbys, named = cast("_Glance", row)
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
                "role": role,
                "standbys": str(standbys),
                "synchronous_standbys": named or "none",
            },
        )

    async def streams(self, after: str = "", limit: int = 100, category: str | None = None) -> Sequence[StreamInfo]:
        check_count(limit, "limit")
        rows = await self._pool.fetch(self._sql["list_streams"], *stream_range(after, category), limit)
        return [
            StreamInfo(stream=name, version=version, last_timestamp=timestamp, partition_key=key)
            for name, version, timestamp, key in cast("list[tuple[str, int, int, str | None]]", rows)
        ]

    async def verify(self) -> AsyncIterator[Finding | int]:
        verification = Verification(self._sql, self._pool)
        async for findings in verification.steps():
            for finding in findings:
                yield finding
            yield verification.checked

    async def doctor(self) -> Sequence[Finding]:
        events = f"{self._sql.schema}.{quoted(self._sql.events)}"
        row = await self._pool.row(self._sql["look_at_settings"], events, IDLE)
        found = Surroundings(*cast("_Settings", row))
        return list(dangers(found, self._location.pool, self._location.shown))

"""Admin: counts, checks, and what endangers the promises."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

from headwater.domain.version import check_count
from headwater.engines.cassandra.appending.performer import Performer
from headwater.engines.cassandra.appending.sequencers import Sequencers
from headwater.engines.cassandra.bonds import KeptBonds
from headwater.engines.cassandra.location import Location
from headwater.engines.cassandra.log import CassandraLog
from headwater.engines.cassandra.protocol.locating import locate
from headwater.engines.cassandra.protocol.shape import Shape
from headwater.engines.cassandra.session import Session
from headwater.engines.cassandra.stream_counts import StreamCounts
from headwater.engines.cassandra.surroundings import Surroundings, dangers
from headwater.engines.cassandra.together import all_of
from headwater.engines.cassandra.verification import Verification
from headwater.engines.sql.stream_range import stream_range
from headwater.errors import StoreUnavailable
from headwater.ports.admin import Finding, StoreInfo, StreamInfo

__all__ = ["CassandraAdmin"]

_MEBIBYTE: Final = 1 << 20
_SAMPLE: Final = 100
"""Events by which a size is guessed."""


class CassandraAdmin:
    """Of a cluster it tells what the node says that happens to be asked."""

    def __init__(
        self,
        session: Session,
        performer: Performer,
        location: Location,
        bonds: KeptBonds,
        log: CassandraLog,
        counts: StreamCounts,
        verification: Callable[[], Verification],
        sequencers: Sequencers,
        events: str,
    ) -> None:
        """`verification` begins one; `events` is the name of the table of events."""
        self._session = session
        self._run = performer.run
        self._location = location
        self._bonds = bonds
        self._log = log
        self._counts = counts
        self._verification = verification
        self._sequencers = sequencers
        self._events = events
        self._shape = Shape()

    def start(self, shape: Shape) -> None:
        """Look at a store of this shape."""
        self._shape = shape

    async def info(self) -> StoreInfo:
        row = await self._session.row("find_identity")
        format, _, store_id, *_ = cast("tuple[int, int, str, object]", row)
        events = sum(await asyncio.gather(*map(self._log.head, range(self._log.partitions))))
        return StoreInfo(
            engine="cassandra",
            store_id=store_id,
            format=format,
            partitions=self._log.partitions,
            events=events,
            streams=(await self._counts.all()).total(),
            size_bytes=await self._size(events),
            details=await self._details(),
        )

    async def streams(self, after: str = "", limit: int = 100, category: str | None = None) -> Sequence[StreamInfo]:
        check_count(limit, "limit")
        known = [category] if category is not None else await self._counts.all()
        names: list[str] = []
        for each in sorted(known, key="{}-".format):  # as the names of their streams are
            start, end = stream_range(after, each)
            if len(names) < limit and start < end:
                names += await self._counts.names(each, start, limit - len(names))
        return await all_of(map(self._stream, names))

    async def verify(self) -> AsyncIterator[Finding | int]:
        verification = self._verification()
        async for findings in verification.steps():
            for finding in findings:
                yield finding
            yield verification.checked

    async def doctor(self) -> Sequence[Finding]:
        bonds, keyspace = await self._bonds.look(), await self._keyspace()
        replication, durable_writes = cast("tuple[Mapping[str, str], bool]", keyspace)
        found = Surroundings(
            settings=await self._settings(),
            replication=replication,
            durable_writes=durable_writes,
            wanted=self._location.replication,
            home=await self._home(),
            skew=await self._skew(),
            is_repaired=await self._is_repaired(),
            copy_of=bonds.copy_of if bonds.copying else None,
            stuck=[(part, str(why)) for part, why in self._sequencers.failures()],
        )
        return list(dangers(found, self._location.shown))

    # -- streams -----------------------------------------------------------------

    async def _stream(self, name: str) -> StreamInfo:
        place = await self._run(locate(0, name, self._shape))
        return StreamInfo(
            stream=name, version=place.version, last_timestamp=place.time, partition_key=place.partition_key
        )

    # -- what the cluster says of itself -----------------------------------------------

    async def _size(self, events: int) -> int:
        """On the disk of the node that answers; where nothing is there yet, what the events come to, about."""
        rows = await self._session.run(
            "SELECT mebibytes FROM system_views.disk_usage WHERE keyspace_name = "
            f"'{self._location.keyspace}' ALLOW FILTERING"
        )
        on_disk = sum(cast("int", mebibytes) for (mebibytes,) in rows) * _MEBIBYTE
        return on_disk or events * await self._mean_size()

    async def _mean_size(self) -> int:
        """Of the payload of one of the first events, in its stream and in the log."""
        for part in range(self._log.partitions):
            page = await self._log.read(part, 0, _SAMPLE)
            if page.events:
                return 2 * sum(len(event.data) + len(event.context) for event in page.events) // len(page.events)
        return 0

    async def _details(self) -> dict[str, str]:
        [(version, data_center)] = await self._session.run("SELECT release_version, data_center FROM system.local")
        replication, _ = cast("tuple[Mapping[str, str], bool]", await self._keyspace())
        counts = {name: count for name, count in replication.items() if name != "class"}
        levels = self._session.levels
        return {
            "keyspace": self._location.shown,
            "server": str(version),
            "data_center": await self._home() or f"all, asked in {data_center}",
            "replication": ", ".join(f"{name}: {count}" for name, count in sorted(counts.items())),
            "levels": f"{levels.plain.name}, {levels.serial.name}",
            "size": "of one node",
        }

    async def _keyspace(self) -> tuple[object, ...]:
        """Replication, and whether writes are durable."""
        [row] = await self._session.run(
            "SELECT replication, durable_writes FROM system_schema.keyspaces WHERE keyspace_name = "
            f"'{self._location.keyspace}'"
        )
        return row

    async def _home(self) -> str:
        row = await self._session.row("find_identity")
        return "" if row is None else str(row[7] or "")

    async def _settings(self) -> dict[str, str]:
        rows = await self._session.run("SELECT name, value FROM system_views.settings")
        return {str(name): str(value) for name, value in rows}

    async def _skew(self) -> float:
        """Less than what the answer took does not count."""
        before = time.time()
        [(now,)] = await self._session.run("SELECT toTimestamp(now()) FROM system.local")
        after, there = time.time(), cast("datetime", now).timestamp()
        return min(0.0, there - before) or max(0.0, there - after)

    async def _is_repaired(self) -> bool:
        """Where fewer nodes are up than that is replicated to, nobody remembers."""
        table = f"keyspace_name = '{self._location.keyspace}' AND columnfamily_name = '{self._events}'"
        try:
            return bool(
                await self._session.run(f"SELECT id FROM system_distributed.repair_history WHERE {table} LIMIT 1")
            )
        except StoreUnavailable:
            return False

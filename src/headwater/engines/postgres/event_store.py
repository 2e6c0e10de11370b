"""EventStore with all kinds of appends: they are made in groups, loads on any connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from headwater.domain.append import Append, Appended, check_append
from headwater.domain.boundary import Boundary, BoundaryPage, Mark, check_conditions, check_mark
from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import check_count
from headwater.engines.postgres.append_locks import AppendLocks
from headwater.engines.postgres.append_transaction import AppendTransaction
from headwater.engines.postgres.appender import Appender, Placed
from headwater.engines.postgres.boundaries import read_page, read_tags
from headwater.engines.postgres.fold import Folds
from headwater.engines.postgres.following import Following
from headwater.engines.postgres.group_commit import GroupCommit
from headwater.engines.postgres.location import Location
from headwater.engines.postgres.log import PostgresLog
from headwater.engines.postgres.pool import Pool
from headwater.engines.postgres.statements import Statements
from headwater.engines.postgres.stored import PAGE, stored_events
from headwater.engines.sql.places import Places
from headwater.errors import InvalidVersion
from headwater.limits import Limits
from headwater.ports.clock import Clock
from headwater.ports.event_store import FoldRows
from headwater.ports.inline_appends import InlineProjection

__all__ = ["PostgresEventStore"]

_NO_END: Final = 2**63 - 1


class PostgresEventStore:
    def __init__(
        self,
        sql: Statements,
        pool: Pool,
        location: Location,
        limits: Limits,
        clock: Clock,
        log: PostgresLog,
        places: Places,
    ) -> None:
        self._sql = sql
        self._pool = pool
        self._limits = limits
        self._places = places
        self._log = log
        self._heads = log.heads
        locks = AppendLocks(location.schema, sql.events)
        transaction = AppendTransaction(sql, locks, clock, log)
        self._appender = Appender(GroupCommit(pool, transaction, location.deadline), limits.queued_writes)
        self._fold = Folds(sql, pool, limits.queued_writes).read

    def start(self) -> None:
        """Take appends from now on."""
        self._appender.start()

    async def stop(self) -> None:
        """Commit what waits."""
        await self._appender.stop()

    async def append(self, append: Append) -> Appended:
        return await self.append_atomic(append)

    async def append_atomic(self, append: Append) -> Appended:
        check_append(append, self._limits)
        check_conditions(append.conditions, self._log.partitions)
        if append.changes:
            return self._remembered(await self._appender.append_alone(append, Following(self._sql, append).follow))
        return self._remembered(await self._appender.append(append))

    async def append_inline(self, append: Append, inline: Sequence[InlineProjection]) -> Appended:
        check_append(append, self._limits)
        check_conditions(append.conditions, self._log.partitions)
        following = Following(self._sql, append, inline)
        return self._remembered(await self._appender.append_alone(append, following.follow))

    async def append_within(self, append: Append) -> Appended:
        return await self.append_atomic(append)

    async def read_within(self, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
        check_mark(after, self._log.partitions)
        if check_count(limit, "limit") == 0:
            raise InvalidVersion("a page has 1 event or more, got 0")
        return await read_page(self._pool, self._sql, boundary, after, min(limit, PAGE), self._log.partitions)

    async def tags_between(self, partition: int, start: int, stop: int) -> Mapping[int, tuple[str, ...]]:
        if check_count(partition, "partition") >= self._log.partitions:
            raise InvalidVersion(f"there is no partition {partition}: this log has {self._log.partitions}, from 0")
        bounds = check_count(start, "start"), check_count(stop, "stop")
        return await read_tags(self._pool, self._sql, partition, *bounds)

    async def load(self, stream: StreamId, after: int = 0, up_to: int | None = None) -> Sequence[StoredEvent]:
        check_count(after, "after")
        last = _NO_END if up_to is None else check_count(up_to, "up_to")
        events: list[StoredEvent] = []
        while True:
            found = stored_events(await self._pool.fetch(self._sql["load_stream"], str(stream), after, last, PAGE))
            events += found
            if len(found) < PAGE:
                return events
            after = found[-1].version

    async def fold_rows(self, stream: StreamId, after: int = 0) -> FoldRows:
        check_count(after, "after")
        return await self._fold(str(stream), after)

    async def head(self, stream: StreamId) -> int:
        return cast("int", await self._pool.value(self._sql["read_version"], str(stream)) or 0)

    async def count(self, category: str) -> int:
        return cast("int", await self._pool.value(self._sql["count_category"], category))

    def _remembered(self, placed: Placed) -> Appended:
        appended, places = placed
        if places:
            self._places.remember(appended.writes, places)
            for partition, offset in places:
                self._heads.learn(partition, offset + 1)
        return appended

"""Bugs, planted one at a time into a healthy memory engine: the suites must find each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import msgspec

from headwater.domain.append import Append, Appended
from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import AnyVersion, check_expected
from headwater.engines.memory import MemoryEngine
from headwater.engines.memory.conditions import MemoryConditions
from headwater.engines.memory.event_store import MemoryEventStore
from headwater.engines.memory.generations import MemoryGenerations
from headwater.engines.memory.journal import MemoryJournal
from headwater.engines.memory.leases import MemoryLeases
from headwater.engines.memory.log import MemoryLog
from headwater.engines.memory.parking import MemoryParking
from headwater.engines.memory.projection_store import MemoryProjectionStore
from headwater.engines.memory.snapshots import MemorySnapshots
from headwater.engines.memory.state import Part, State
from headwater.engines.memory.wakeups import MemoryWakeups
from headwater.errors import HeadwaterError, UniqueKeyTaken
from headwater.ports.event_store import FoldRows
from headwater.ports.leases import Lease
from headwater.ports.log import LogFilter, LogPage
from headwater.ports.projection_store import ProjectionCommit
from headwater.ports.snapshots import Snapshot

replace = msgspec.structs.replace


def state_of(engine: MemoryEngine) -> State:
    return cast("Part", engine.events)._store  # pyright: ignore[reportPrivateUsage]  # a bug reaches inside


def with_writes(append: Append, **fields: object) -> Append:
    """The append with these fields of every write changed."""
    return replace(append, writes=tuple(replace(write, **fields) for write in append.writes))


class LateVisibility(MemoryLog):
    """Every seventh event appears below an offset that was read already."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.late: set[bytes] = set()

    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        page = await super().read(partition, start, limit, only)
        late = [event for event in page.events if event.offset % 7 == 3 and event.event_id not in self.late]
        self.late.update(event.event_id for event in late)
        return LogPage([event for event in page.events if event not in late], page.next)


class LimitOffByOne(MemoryLog):
    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        return await super().read(partition, start, limit + 1, only)


class HiddenRowsInTheLog(MemoryLog):
    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        return await super().read(partition, start, limit, replace(only or LogFilter(), hidden=True))


class StartExclusive(MemoryLog):
    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        return await super().read(partition, start + 1 if start else 0, limit, only)


class PageStuckOnFilter(MemoryLog):
    """`next` is past the last match, not past what was looked at."""

    async def read(self, partition: int, start: int, limit: int, only: LogFilter | None = None) -> LogPage:
        page = await super().read(partition, start, limit, only)
        return LogPage(page.events, page.events[-1].offset + 1 if page.events else start)


class VersionCheckedTooEarly(MemoryEventStore):
    """Another append may come between the look at the version and the write."""

    async def append(self, append: Append) -> Appended:
        for write in append.writes:
            check_expected(str(write.stream), write.expected, await self.head(write.stream))
        await asyncio.sleep(0)
        return await super().append(with_writes(append, expected=AnyVersion()))


class ClaimLost(MemoryEventStore):
    """Of two who claim a key at once the later one gets it as well."""

    async def append(self, append: Append) -> Appended:
        for key, stream in [(key, str(write.stream)) for write in append.writes for key in write.claims]:
            if (holder := self._state.keys.get(key)) not in (None, stream):
                raise UniqueKeyTaken(key.scope, key.value, str(holder))
        await asyncio.sleep(0)
        for key in [key for write in append.writes for key in write.claims]:
            self._state.keys.pop(key, None)
        return await super().append(append)


class ReleaseAfterClaim(MemoryEventStore):
    async def append(self, append: Append) -> Appended:
        done = await super().append(with_writes(append, releases=()))
        for write in append.writes:
            for key in write.releases:
                if self._state.keys.get(key) == str(write.stream):
                    del self._state.keys[key]
        return done


class ReplayAppendsAgain(MemoryEventStore):
    async def append(self, append: Append) -> Appended:
        if append.command is not None:
            self._state.commands.pop(append.command.id, None)
        return await super().append(append)


class PartialAtomicAppend(MemoryEventStore):
    """Stream by stream: what came before the refused one stays."""

    async def append_atomic(self, append: Append) -> Appended:
        for write in append.writes[:-1]:
            await super().append_atomic(Append(writes=(write,)))
        return await super().append_atomic(replace(append, writes=append.writes[-1:]))


class RefusedTakesClaim(MemoryEventStore):
    """A refused append keeps the keys it claimed."""

    async def append(self, append: Append) -> Appended:
        try:
            return await super().append(append)
        except HeadwaterError:
            for write in append.writes:
                for key in write.claims:
                    self._state.keys.setdefault(key, str(write.stream))
            raise


class TimestampsRepeat(MemoryEventStore):
    async def load(self, stream: StreamId, after: int = 0, up_to: int | None = None) -> Sequence[StoredEvent]:
        events = await super().load(stream, after, up_to)
        return [replace(event, timestamp=events[0].timestamp) for event in events]


class HiddenRowsInTheFold(MemoryEventStore):
    async def fold_rows(self, stream: StreamId, after: int = 0) -> FoldRows:
        events = await super().load(stream, after)
        return FoldRows(await self.head(stream), [(event.type, event.schema, event.data) for event in events])


class OffsetGap(MemoryEventStore):
    """A refused append has used up an offset: those after it are one too high."""

    async def append(self, append: Append) -> Appended:
        try:
            return await super().append(append)
        except HeadwaterError:
            log = self._state.log[self._state.partition_of(str(append.writes[0].stream))]
            if log:
                log[-1] = replace(log[-1], offset=log[-1].offset + 1)
            raise


class EpochIgnored(MemoryProjectionStore):
    async def commit(self, commit: ProjectionCommit) -> None:
        kept = await self.checkpoint(commit.place)
        await super().commit(replace(commit, epoch=max(commit.epoch, kept.epoch)))


class StartIgnored(MemoryProjectionStore):
    async def commit(self, commit: ProjectionCommit) -> None:
        kept = await self.checkpoint(commit.place)
        await super().commit(replace(commit, start=kept.offset, next=max(kept.offset, commit.next)))


class CheckpointWithoutChanges(MemoryProjectionStore):
    async def commit(self, commit: ProjectionCommit) -> None:
        await super().commit(replace(commit, changes=()))


class ChangesBeforeCheckpoint(MemoryProjectionStore):
    """Two transactions: a commit that is refused has made its changes."""

    async def commit(self, commit: ProjectionCommit) -> None:
        await self.write(commit.changes)
        await super().commit(replace(commit, changes=()))


class EpochStands(MemoryLeases):
    """A take-over keeps the epoch, so the former owner is not fenced out."""

    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        lease = await super().acquire(name, owner, ttl)
        if lease is not None:
            held = self._state.leases[name]
            lease = held.lease = replace(lease, epoch=1)
        return lease


class SteppedClockTrusted(MemoryLeases):
    """Whoever asks waits for a lease from the future until the clock is there again."""

    async def acquire(self, name: str, owner: str, ttl: float) -> Lease | None:
        held = self._state.leases.get(name)
        last = None if held is None else held.lease
        is_held = last is not None and last.owner != owner and last.expires_at > self._state.now()
        return None if is_held else await super().acquire(name, owner, ttl)


class EarlierSnapshotWins(MemorySnapshots):
    async def save(self, snapshot: Snapshot) -> None:
        await self.delete(snapshot.stream)
        await super().save(snapshot)


def plant(engine: MemoryEngine, bug: type[Part]) -> None:
    """Put the bug in the place of the port it is a version of."""
    part = bug(state_of(engine))
    match part:
        case MemoryLog():
            engine.log = part
        case MemoryEventStore():
            engine.events = part
        case MemoryProjectionStore():
            engine.projections = part
        case MemoryLeases():
            engine.leases = part
        case MemorySnapshots():
            engine.snapshots = part
        case MemoryGenerations():
            engine.generations = part
        case MemoryParking():
            engine.parking = part
        case MemoryConditions():
            engine.conditions = part
        case MemoryJournal():
            engine.journal = part
        case MemoryWakeups():
            engine.wakeups = part
        case _:
            raise TypeError(bug)

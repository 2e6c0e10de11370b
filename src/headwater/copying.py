"""Copying: a store's events, command records and unique keys into another one, on any engine, proved in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from headwater.domain.append import UniqueKey
from headwater.domain.event import StoredEvent
from headwater.domain.importing import Import
from headwater.domain.stream import StreamId
from headwater.errors import StoreMismatch
from headwater.ports.admin import StreamInfo
from headwater.ports.boundaries import BoundaryAppends
from headwater.ports.engine import Engine
from headwater.ports.log import LogFilter

__all__ = ["Copied", "StoreCopy"]

_PAGE: Final = 500
_EVERYTHING: Final = LogFilter(hidden=True)
_DIFFERENCES: Final = 100
"""Kept of those found, at most."""


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """What is equal in both stores, or is not."""

    streams: int
    events: int
    commands: int
    keys: int
    new_events: int
    """Of the events, those that this run has brought."""
    digest: str
    """Of all streams; the same for equal ones, whatever the engine."""
    differences: Sequence[str] = ()


class StoreCopy:
    """Makes `target` a copy of `source`; both are open. What is appended to the source meanwhile comes along.

    Progress is what the target has: after any interruption the copy goes on where it was. Read models and checkpoints
    are not copied, as positions are new: projections rebuild. Raises StoreMismatch, ImportRefused, StoreError.
    """

    def __init__(self, source: Engine, target: Engine, told: Callable[[str, int, int | None], None]) -> None:
        self._source = source
        self._target = target
        self._told = told
        self._new = 0

    async def run(self, source_id: str, target_id: str) -> Copied:
        """Copy, then compare every stream, command and unique key; finish only where all are equal."""
        if source_id == target_id:
            raise StoreMismatch(f"source and target are both store {source_id}: name another target")
        await self._target.imports.begin(source_id)
        reached = [0] * self._source.log.partitions
        while await self._copy_events(reached):
            pass
        commands = await self._copy_commands()
        keys = await self._copy_keys()
        copied = await self._compared(commands, keys)
        if not copied.differences:
            await self._target.imports.finish()
        return copied

    # -- what is copied --------------------------------------------------------

    async def _copy_events(self, reached: list[int]) -> bool:
        """Each partition from where it was left to its end; False if there was nothing."""
        heads = [await self._source.log.head(partition) for partition in range(len(reached))]
        if heads == reached:
            return False
        keys = await self._partition_keys()
        total = sum(heads)
        for partition in range(len(reached)):
            while (start := reached[partition]) < heads[partition]:
                page = await self._source.log.read(partition, start, _PAGE, _EVERYTHING)
                if page.events and not await self._has(page.events):
                    await self._take(partition, page.events, keys)
                reached[partition] = page.next
                self._told("events", sum(reached), total)
        return True

    async def _has(self, events: Sequence[StoredEvent]) -> bool:
        """Whether a page is there: one is taken in whole, so each of its streams says so."""
        last = {event.stream: event.version for event in events}
        for stream, version in last.items():
            if await self._target.events.head(StreamId.parse(stream)) < version:
                return False
        return True

    async def _take(self, partition: int, events: Sequence[StoredEvent], keys: Mapping[str, str]) -> None:
        taken = await self._target.imports.take(
            Import(
                events=events,
                partition_keys={event.stream: keys[event.stream] for event in events if event.stream in keys},
                tags=await self._tags(partition, events),
            )
        )
        self._new += taken.events

    async def _tags(self, partition: int, events: Sequence[StoredEvent]) -> dict[bytes, tuple[str, ...]]:
        if not isinstance(self._source.events, BoundaryAppends):
            return {}
        found = await self._source.events.tags_between(partition, events[0].offset, events[-1].offset + 1)
        return {event.event_id: found[event.offset] for event in events if event.offset in found}

    async def _partition_keys(self) -> dict[str, str]:
        return {
            info.stream: info.partition_key
            async for info in _streams(self._source)
            if info.partition_key not in (None, info.stream)
        }

    async def _copy_commands(self) -> int:
        count = 0
        async for records in self._source.commands.all(_PAGE):
            await self._target.imports.take(Import(commands=records))
            count += len(records)
            self._told("commands", count, None)
        return count

    async def _copy_keys(self) -> int:
        """Those that are held there, and none that is not any more."""
        held = await _keys(self._source)
        wanted: dict[UniqueKey, str | None] = dict.fromkeys(await _keys(self._target))
        wanted |= held
        places = list(wanted)
        for start in range(0, len(places), _PAGE):
            await self._target.imports.take(Import(keys={key: wanted[key] for key in places[start : start + _PAGE]}))
            self._told("unique keys", min(start + _PAGE, len(places)), len(places))
        return len(held)

    # -- what is proved --------------------------------------------------------

    async def _compared(self, commands: int, keys: int) -> Copied:
        differences: list[str] = []
        total, events, streams = blake2b(digest_size=16), 0, 0
        count = (await self._source.admin.info()).streams
        async for info in _streams(self._source):
            here, there = await _digest(self._source, info), await _digest(self._target, info)
            if here != there and len(differences) < _DIFFERENCES:
                differences.append(f"stream {info.stream!r} is not the same in both")
            total.update(here)
            events += info.version
            streams += 1
            self._told("compared", streams, count)
        differences += await self._differing(streams, events)
        return Copied(
            streams=streams,
            events=events,
            commands=commands,
            keys=keys,
            new_events=self._new,
            digest=total.hexdigest(),
            differences=differences,
        )

    async def _differing(self, streams: int, events: int) -> list[str]:
        """Counts, unique keys and command records."""
        found: list[str] = []
        info = await self._target.admin.info()
        if (info.streams, info.events) != (streams, events):
            counts = f"{info.streams:,} streams and {info.events:,} events"
            found.append(f"the target has {counts}, the source {streams:,} and {events:,}")
        if await _keys(self._source) != await _keys(self._target):
            found.append("the unique keys are not the same in both")
        if await _digest_of_commands(self._source) != await _digest_of_commands(self._target):
            found.append("the records of commands are not the same in both")
        return found


async def _streams(engine: Engine) -> AsyncIterator[StreamInfo]:
    after = ""
    while page := await engine.admin.streams(after, _PAGE):
        for info in page:
            yield info
        after = page[-1].stream


async def _keys(engine: Engine) -> dict[UniqueKey, str | None]:
    keys: dict[UniqueKey, str | None] = {}
    after: UniqueKey | None = None
    while page := await engine.unique_keys.held(after, _PAGE):
        keys |= {held.key: held.stream for held in page}
        after = page[-1].key
    return keys


async def _digest_of_commands(engine: Engine) -> bytes:
    digest = blake2b(digest_size=16)
    async for records in engine.commands.all(_PAGE):
        for record in records:
            digest.update(msgspec.msgpack.encode(record))
    return digest.digest()


async def _digest(engine: Engine, info: StreamInfo) -> bytes:
    """Of a stream up to a version: all that a copy keeps of its events."""
    digest = blake2b(f"{info.stream}\n{info.partition_key}".encode(), digest_size=16)
    for event in await engine.events.load(StreamId.parse(info.stream), up_to=info.version):
        place = event.version, event.event_id, event.timestamp, event.type, event.schema, event.topic
        digest.update(msgspec.msgpack.encode((*place, event.data, event.context)))
    return digest.digest()

"""StoreCopy: a store's events, command records and unique keys in another one, on any engine, proved in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

import msgspec

from headwater.copying.contents import PAGE, Contents, LogPages, TaggedPage
from headwater.copying.effect_marks import carry_marks
from headwater.domain.append import UniqueKey
from headwater.domain.importing import Import
from headwater.domain.stream import StreamId
from headwater.errors import StoreMismatch
from headwater.ports.admin import StreamInfo
from headwater.ports.engine import Engine

__all__ = ["Copied", "StoreCopy"]

_ROUNDS: Final = 10
"""Of bringing what came meanwhile; whoever writes faster than that has to rest for the last run."""


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """What the copy has, and where it differs from what was read of the source."""

    streams: int
    events: int
    commands: int
    keys: int
    new_events: int
    """Of the events, those that this run has brought."""
    behind: int
    """Events that came to the source since they were read: run it again."""
    digest: str
    """Of all events; the same for equal ones, whatever the engine."""
    owed: Mapping[str, int] = {}
    """By projection, events whose side effects had not run in the source; on the copy they begin with the first."""
    differences: Sequence[str] = ()


class StoreCopy:
    """Makes `target` a copy of `source`; both are open, and the source may be in use.

    Progress is what the target has: after any interruption the copy goes on where it was, and run again it brings what
    came meanwhile. Read models and checkpoints are not copied, as positions are new: projections rebuild, without the
    side effects that they have had in the source.
    """

    def __init__(self, source: Engine, target: Engine, told: Callable[[str, int, int | None], None]) -> None:
        """`told` hears of a phase, how much of it is done, and of how much, where that is known."""
        self._source = source
        self._target = target
        self._told = told
        self._pages = LogPages(source)
        self._events = Contents()
        self._commands = Contents()
        self._new = 0

    async def run(self, source_id: str, target_id: str) -> Copied:
        """Copy, then read the whole copy; finish it only if it is what was read of the source.

        Raises StoreMismatch where the target is another store's or in use, ImportRefused, StoreError.
        """
        if source_id == target_id:
            raise StoreMismatch(f"source and target are both store {source_id}: name another target")
        await self._target.imports.begin(source_id)
        reached = await self._copy_events()
        await self._copy_commands()
        keys = await self._copy_keys()
        differences = [
            *await self._differing_events(),
            *await self._differing_commands(),
            *await self._differing_keys(keys),
        ]
        owed = await carry_marks(self._source, self._target, reached)
        if not differences:
            await self._target.imports.finish()
        return Copied(
            streams=(await self._target.admin.info()).streams,
            events=self._events.count,
            commands=self._commands.count,
            keys=len(keys),
            new_events=self._new,
            behind=sum(await self._pages.heads()) - sum(reached),
            digest=str(self._events),
            owed=owed,
            differences=differences,
        )

    # -- what is copied --------------------------------------------------------

    async def _copy_events(self) -> list[int]:
        """To where each partition ended, and again while much came meanwhile; how far it got."""
        reached = [0] * self._source.log.partitions
        for _ in range(_ROUNDS):
            heads = await self._pages.heads()
            if heads == reached:
                break
            keys = await _partition_keys(self._source)
            for partition, stop in enumerate(heads):
                async for page in self._pages.between(partition, reached[partition], stop):
                    await self._take(page, keys)
                    reached[partition] = page.next
                    self._told("events", sum(reached), sum(heads))
        return reached

    async def _take(self, page: TaggedPage, keys: Mapping[str, str]) -> None:
        self._events.add_events(page, keys)
        if not await self._has(page):
            named = {event.stream: keys[event.stream] for event in page.events if event.stream in keys}
            taken = await self._target.imports.take(Import(events=page.events, partition_keys=named, tags=page.tags))
            self._new += taken.events

    async def _has(self, page: TaggedPage) -> bool:
        """Whether a page is there, and in the log: the last event of each of its streams says so."""
        last = {event.stream: event.version for event in page.events}
        for stream, version in last.items():
            if await self._target.log.offset_of(stream, version) is None:
                return False
        return True

    async def _copy_commands(self) -> None:
        async for records in self._source.commands.all(PAGE):
            await self._target.imports.take(Import(commands=records))
            self._commands.add_records(records)
            self._told("commands", self._commands.count, None)

    async def _copy_keys(self) -> dict[UniqueKey, str | None]:
        """Those that are held there, and none that is not any more; those held there."""
        held = await _keys(self._source)
        wanted: dict[UniqueKey, str | None] = dict.fromkeys(await _keys(self._target))
        wanted |= held
        places = list(wanted)
        for start in range(0, len(places), PAGE):
            await self._target.imports.take(Import(keys={key: wanted[key] for key in places[start : start + PAGE]}))
            self._told("unique keys", min(start + PAGE, len(places)), len(places))
        return held

    # -- what is proved --------------------------------------------------------

    async def _differing_events(self) -> list[str]:
        """Whether the whole log of the copy is what was read."""
        pages, found = LogPages(self._target), Contents()
        heads, keys = await pages.heads(), await _partition_keys(self._target)
        for partition, stop in enumerate(heads):
            async for page in pages.between(partition, 0, stop):
                found.add_events(page, keys)
                self._told("compared", found.count, sum(heads))
        if found == self._events:
            return []
        counts = f"{found.count:,} with digest {found} there, {self._events.count:,} with {self._events} here"
        return [f"the events are not the same in both: {counts}; begin again with a new target"]

    async def _differing_commands(self) -> list[str]:
        found = Contents()
        async for records in self._target.commands.all(PAGE):
            found.add_records(records)
        return [] if found == self._commands else ["the records of commands are not the same in both: run it again"]

    async def _differing_keys(self, held: Mapping[UniqueKey, str | None]) -> list[str]:
        """Unique keys, but for one that a stream has claimed whose events came since they were read."""
        there = await _keys(self._target)
        for key, stream in held.items():
            if there.get(key) != stream and (
                stream is None or key in there or await self._target.events.head(StreamId.parse(stream))
            ):
                return ["the unique keys are not the same in both: run it again"]
        return [] if there.keys() <= held.keys() else ["there are more unique keys in the copy: run it again"]


async def _partition_keys(engine: Engine) -> dict[str, str]:
    """Of the streams that are partitioned by another key than their name."""
    return {
        info.stream: key
        async for info in _streams(engine)
        if (key := info.partition_key) is not None and key != info.stream
    }


async def _streams(engine: Engine) -> AsyncIterator[StreamInfo]:
    after = ""
    while page := await engine.admin.streams(after, PAGE):
        for info in page:
            yield info
        after = page[-1].stream


async def _keys(engine: Engine) -> dict[UniqueKey, str | None]:
    keys: dict[UniqueKey, str | None] = {}
    after: UniqueKey | None = None
    while page := await engine.unique_keys.held(after, PAGE):
        keys |= {held.key: held.stream for held in page}
        after = page[-1].key
    return keys

"""EventStore with all kinds of appends: each looks at everything first, then changes it all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from headwater.domain.append import Append, Appended, UniqueKey, Write, Written, check_append
from headwater.domain.boundary import Boundary, BoundaryPage, Mark, check_conditions
from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import check_count, check_expected
from headwater.engines.memory.boundaries import check_unchanged, read_page
from headwater.engines.memory.inline_appends import handle_inline
from headwater.engines.memory.state import Part, State, Stream
from headwater.errors import DuplicateEventId, IdempotencyMismatch, InvalidMessage, InvalidVersion, UniqueKeyTaken
from headwater.models.changes import Change
from headwater.ports.event_store import FoldRows
from headwater.ports.inline_appends import InlineProjection

__all__ = ["MemoryEventStore"]


class MemoryEventStore(Part):
    """Streams in lists."""

    async def append(self, append: Append) -> Appended:
        return _commit(self._state, append)

    async def append_atomic(self, append: Append) -> Appended:
        return _commit(self._state, append)

    async def append_inline(self, append: Append, inline: Sequence[InlineProjection]) -> Appended:
        return _commit(self._state, append, inline)

    async def append_within(self, append: Append) -> Appended:
        return _commit(self._state, append)

    async def read_within(self, boundary: Boundary, after: Mark, limit: int) -> BoundaryPage:
        return read_page(self._state, boundary, after, limit)

    async def tags_between(self, partition: int, start: int, stop: int) -> Mapping[int, tuple[str, ...]]:
        tags = self._state.tags
        if check_count(partition, "partition") >= len(tags):
            raise InvalidVersion(f"there is no partition {partition}: this log has {len(tags)}, from 0")
        return tags[partition].between(check_count(start, "start"), check_count(stop, "stop"))

    async def load(self, stream: StreamId, after: int = 0, up_to: int | None = None) -> Sequence[StoredEvent]:
        check_count(after, "after")
        if up_to is not None:
            check_count(up_to, "up_to")
        return self._state.events_of(str(stream))[after:up_to]

    async def fold_rows(self, stream: StreamId, after: int = 0) -> FoldRows:
        check_count(after, "after")
        events = self._state.events_of(str(stream))
        visible = [(event.type, event.schema, event.data) for event in events[after:] if event.topic is None]
        return FoldRows(len(events), visible)

    async def head(self, stream: StreamId) -> int:
        return len(self._state.events_of(str(stream)))

    async def count(self, category: str) -> int:
        return self._state.categories[category]


def _commit(state: State, append: Append, inline: Sequence[InlineProjection] = ()) -> Appended:
    check_append(append, state.limits)
    check_conditions(append.conditions, len(state.log))
    if (replayed := _first_outcome(state, append)) is not None:
        return replayed
    for write in append.writes:
        _check_partition_key(state, write)
        check_expected(str(write.stream), write.expected, len(state.events_of(str(write.stream))))
    for check in append.checks:
        check_expected(str(check.stream), check.expected, len(state.events_of(str(check.stream))))
    check_unchanged(state, append)
    keys = _claimed(state, append)
    _check_event_ids(state, append)
    now = append.stamped_from(state.now())
    planned = _planned(state, append, now)
    with state.rows.all_or_nothing():
        state.rows.apply(cast("tuple[Change, ...]", append.changes))
        moved = handle_inline(state, inline, _by_partition(planned))  # the last to refuse: nothing fails from here on
    state.checkpoints |= {checkpoint.place: checkpoint for checkpoint in moved}
    _release(state, append)
    state.keys |= keys
    written = tuple([_keep(state, write, stored) for write, stored in zip(append.writes, planned, strict=True)])
    if append.command is not None:
        state.commands.pop(append.command.id, None)
        state.commands[append.command.id] = msgspec.structs.replace(append.command, writes=written, timestamp=now)
    state.committed()
    return Appended(written)


def _first_outcome(state: State, append: Append) -> Appended | None:
    """What this command committed before; None if it did not, or was refused."""
    command = append.command
    first = None if command is None else state.commands.get(command.id)
    if command is None or first is None or first.error is not None:
        return None
    if first.fingerprint != command.fingerprint:
        raise IdempotencyMismatch(command.id)
    return Appended(first.writes, replayed=first)


def _check_partition_key(state: State, write: Write) -> None:
    name = str(write.stream)
    key, stream = write.partition_key or name, state.streams.get(name)
    if stream is not None and stream.key != key:
        raise InvalidMessage(
            f"stream {name!r} is partitioned by {stream.key!r}, this append by {key!r}: "
            "a stream keeps its partition key"
        )


def _check_event_ids(state: State, append: Append) -> None:
    for write in append.writes:
        for event in write.events:
            if event.event_id in state.event_ids:
                raise DuplicateEventId(event.event_id.hex())


def _claimed(state: State, append: Append) -> dict[UniqueKey, str]:
    """The keys this append takes, all its releases counted first; raises UniqueKeyTaken."""
    freed = {key for write in append.writes for key in write.releases if state.keys.get(key) == str(write.stream)}
    taken: dict[UniqueKey, str] = {}
    for write in append.writes:
        stream = str(write.stream)
        for key in write.claims:
            holder = taken.get(key) or (None if key in freed else state.keys.get(key))
            if holder not in (None, stream):
                raise UniqueKeyTaken(key.scope, key.value, holder)
            taken[key] = stream
    return taken


def _release(state: State, append: Append) -> None:
    """Only the holder can give a key up."""
    for write in append.writes:
        for key in write.releases:
            if state.keys.get(key) == str(write.stream):
                del state.keys[key]


def _planned(state: State, append: Append, now: int) -> list[list[StoredEvent]]:
    """The events of each write as they are going to be stored."""
    ends = [len(log) for log in state.log]
    planned: list[list[StoredEvent]] = []
    for write in append.writes:
        partition = state.partition_of(write.partition_key or str(write.stream))
        planned.append(_stored(state, write, append.context, now, partition, ends[partition]))
        ends[partition] += len(write.events)
    return planned


def _stored(state: State, write: Write, context: bytes, now: int, partition: int, offset: int) -> list[StoredEvent]:
    name = str(write.stream)
    before = state.events_of(name)
    timestamp = before[-1].timestamp if before else -1
    stored: list[StoredEvent] = []
    for number, event in enumerate(write.events):
        timestamp = max(now, timestamp + 1)
        stored.append(
            StoredEvent(
                partition=partition,
                offset=offset + number,
                stream=name,
                version=len(before) + number + 1,
                event_id=event.event_id,
                timestamp=timestamp,
                type=event.type,
                schema=event.schema,
                data=event.data,
                context=context,
                topic=event.topic,
            )
        )
    return stored


def _by_partition(planned: list[list[StoredEvent]]) -> dict[int, list[StoredEvent]]:
    events: dict[int, list[StoredEvent]] = {}
    for stored in planned:
        events.setdefault(stored[0].partition, []).extend(stored)
    return dict(sorted(events.items()))


def _keep(state: State, write: Write, stored: list[StoredEvent]) -> Written:
    name, partition = str(write.stream), stored[0].partition
    stream = state.streams.get(name)
    if stream is None:
        stream = state.streams[name] = Stream(write.partition_key or name, partition)
        state.categories[write.stream.category] += 1
    stream.events += stored
    state.log[partition] += stored
    for event, kept in zip(write.events, stored, strict=True):
        if event.tags:
            state.tags[partition].add(kept.offset, event.tags)
    state.event_ids.update(event.event_id for event in stored)
    state.size_bytes += sum(len(event.data) + len(event.context) for event in stored)
    return Written(name, stored[0].version, stored[-1].version)

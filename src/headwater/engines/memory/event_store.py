"""EventStore and AtomicAppends: every append looks at everything first, then changes it without an await between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from headwater.domain.append import Append, Appended, UniqueKey, Write, Written, check_append
from headwater.domain.event import StoredEvent
from headwater.domain.stream import StreamId
from headwater.domain.version import check_count, check_expected
from headwater.engines.memory.state import Part, State, Stream
from headwater.errors import DuplicateEventId, IdempotencyMismatch, InvalidMessage, UniqueKeyTaken
from headwater.models.changes import Change
from headwater.ports.event_store import FoldRows

__all__ = ["MemoryEventStore"]


class MemoryEventStore(Part):
    """Streams in lists."""

    async def append(self, append: Append) -> Appended:
        return _commit(self._state, append)

    async def append_atomic(self, append: Append) -> Appended:
        return _commit(self._state, append)

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


def _commit(state: State, append: Append) -> Appended:
    check_append(append, state.limits)
    if (replayed := _first_outcome(state, append)) is not None:
        return replayed
    for write in append.writes:
        _check_partition_key(state, write)
        check_expected(str(write.stream), write.expected, len(state.events_of(str(write.stream))))
    for check in append.checks:
        check_expected(str(check.stream), check.expected, len(state.events_of(str(check.stream))))
    keys = _claimed(state, append)
    _check_event_ids(state, append)
    state.rows.apply(cast("tuple[Change, ...]", append.changes))  # the last to refuse: nothing fails from here on
    _release(state, append)
    state.keys |= keys
    now = state.now()
    written = tuple([_write(state, write, append.context, now) for write in append.writes])
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


def _write(state: State, write: Write, context: bytes, now: int) -> Written:
    name = str(write.stream)
    stream = state.streams.get(name)
    if stream is None:
        key = write.partition_key or name
        stream = state.streams[name] = Stream(key, state.partition_of(key))
        state.categories[write.stream.category] += 1
    log = state.log[stream.partition]
    before = len(stream.events)
    timestamp = stream.events[-1].timestamp if stream.events else -1
    for version, event in enumerate(write.events, before + 1):
        timestamp = max(now, timestamp + 1)
        stored = StoredEvent(
            partition=stream.partition,
            offset=len(log),
            stream=name,
            version=version,
            event_id=event.event_id,
            timestamp=timestamp,
            type=event.type,
            schema=event.schema,
            data=event.data,
            context=context,
            topic=event.topic,
        )
        log.append(stored)
        stream.events.append(stored)
        state.event_ids.add(event.event_id)
        state.size_bytes += len(event.data) + len(context)
    return Written(name, before + 1, len(stream.events))

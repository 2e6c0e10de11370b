"""Imports: everything is looked at first, then taken in all at once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.domain.event import StoredEvent
from headwater.domain.importing import Import, Imported, Run, check_import, check_same, new_records, still_to_come
from headwater.engines.memory.state import Part, State, Stream
from headwater.errors import DuplicateEventId
from headwater.ports.imports import Origin

__all__ = ["MemoryImports", "follow"]


class MemoryImports(Part):
    async def origin(self) -> Origin | None:
        bonds = self._state.bonds
        return None if bonds.copy_of is None else Origin(bonds.copy_of, not bonds.copying)

    async def begin(self, store_id: str) -> None:
        state, bonds = self._state, self._state.bonds
        if bonds.follows is None and (bonds.copy_of == store_id or (bonds.copy_of is None and not state.event_ids)):
            state.bonds = msgspec.structs.replace(bonds, copy_of=store_id, copying=True)
        state.bonds.check_becomes(store_id)

    async def take(self, batch: Import) -> Imported:
        state = self._state
        state.bonds.check_copying()
        runs = check_import(batch, state.limits)
        new = {event.event_id for run in runs.values() for event in _new(state, run, batch)}
        if taken := new & state.event_ids:
            raise DuplicateEventId(min(taken).hex())
        commands = new_records(batch, state.commands)
        events = [event for event in batch.events if event.event_id in new]
        for event in events:
            _keep(state, event, batch)
        for record in commands:
            state.commands.pop(record.id, None)
            state.commands[record.id] = record
        keys = _move_keys(state, batch)
        if events or commands or keys:
            state.committed()
        return Imported(len(events), len(commands), keys)

    async def finish(self) -> None:
        self._state.bonds = msgspec.structs.replace(self._state.bonds, copying=False)


def follow(state: State, store_id: str) -> None:
    """Bind the read side to a log; see `Engine.follow`."""
    bonds = state.bonds
    if bonds.follows is None and not bonds.copying and (store_id == bonds.store_id or not state.checkpoints):
        state.bonds = msgspec.structs.replace(bonds, follows=store_id)
    state.bonds.check_follows(store_id)


def _new(state: State, run: Run, batch: Import) -> Sequence[StoredEvent]:
    """What of a run is not there; what is there must be the same."""
    stream, there = state.streams.get(run.stream), state.events_of(run.stream)
    last, key = there[-1].timestamp if there else -1, None if stream is None else stream.key
    new = still_to_come(run, key, len(there), last)
    for event in run.events[: len(run.events) - len(new)]:
        known = there[event.version - 1]
        tags = state.tags[known.partition].between(known.offset, known.offset + 1)
        check_same(known, tags.get(known.offset, ()), event, batch)
    return new


def _keep(state: State, event: StoredEvent, batch: Import) -> None:
    stream = state.streams.get(event.stream)
    if stream is None:
        key = batch.partition_keys.get(event.stream, event.stream)
        stream = state.streams[event.stream] = Stream(key, state.partition_of(key))
        state.categories[event.stream.partition("-")[0]] += 1
    log = state.log[stream.partition]
    kept = msgspec.structs.replace(event, partition=stream.partition, offset=len(log))
    stream.events.append(kept)
    log.append(kept)
    if tags := batch.tags.get(event.event_id):
        state.tags[stream.partition].add(kept.offset, tags)
    state.event_ids.add(event.event_id)
    state.size_bytes += len(event.data) + len(event.context)


def _move_keys(state: State, batch: Import) -> int:
    moved = 0
    for key, stream in batch.keys.items():
        if stream is not None and stream not in state.streams:
            continue
        moved += state.keys.get(key) != stream
        if stream is None:
            state.keys.pop(key, None)
        else:
            state.keys[key] = stream
    return moved
